import type { SweepResult } from "../pool/messages.js";
import { attributionOf, pairsOf, type SelectedSample } from "./pairs.js";
import type { StudyRun } from "./run.js";
import { entriesOf, type Place } from "./score-rows.js";
import { type Stage, until } from "./stage.js";
import type { Row } from "./tables.js";

/** So many samples of each data set say which heads are worth patching in all of them. */
const SCREENED_ON = 32;

/**
 * Chooses what is patched, by data set, modality and site: the heads (or layers) of which gradients expect most, as the mean over the
 * first selected samples of the largest |attribution| at any token. One choice for all samples, since a mean over samples that
 * were chosen by what is expected of them would be too large. Nothing to do where a run is not screened.
 *
 * @throws NoticeError `options` where nothing is selected yet; as the pool; the signal's reason.
 */
export async function screen(stage: Stage): Promise<void> {
  const { store, settings } = stage.run;
  if (await isScreened(stage.run)) return;
  await stage.run.checkSelected();
  const pending = await store.rows<SelectedSample>(
    `SELECT s.*, ordinal FROM selected JOIN samples s USING (dataset, sample) ANTI JOIN expected USING (dataset, sample)
     WHERE ordinal < ${SCREENED_ON} ORDER BY dataset, ordinal`,
  );
  if (pending.length > 0) await attributeSamples(stage, pending);
  await store.transaction(async () => {
    await store.run(
      `INSERT INTO chosen SELECT dataset, modality, site, layer, head FROM expected
       GROUP BY dataset, modality, site, layer, head
       QUALIFY row_number() OVER (PARTITION BY dataset, modality, site ORDER BY avg(size) DESC, layer, head) <= $1`,
      [settings.screen],
    );
    await store.insert("finished", [{ stage: "screen", dataset: "" }]);
  });
}

/** What gradients expect of the samples, each written in one transaction. */
async function attributeSamples(
  { run, watch, pool, signal }: Stage,
  samples: readonly SelectedSample[],
): Promise<void> {
  await run.checkModel();
  const bar = watch.begin("screen", samples.length);
  try {
    const workers = await pool();
    const provenance = await run.provenance(workers.backend);
    const attribution = attributionOf(run.settings);
    const work = samples.map((sample) => {
      const { pairs } = pairsOf(run, sample);
      return { key: { sample, pairs }, pairs: pairs.map(({ input }) => ({ input, sweeps: [], attribution })) };
    });
    let done = 0;
    for await (const { key, result, error } of workers.study(until(work, signal))) {
      if (error && error.code !== "worker") throw error;
      const { dataset, sample } = key.sample;
      // What fails here fails in `patch` too, which says so.
      const rows = (result?.pairs ?? []).flatMap((pair, i) => {
        const place = { dataset, sample, modality: key.pairs[i]!.modality };
        return (pair.attributions ?? []).flatMap((table) => [...expectedRows(table, place, provenance)]);
      });
      await run.store.transaction(() => run.store.insert("expected", rows));
      bar.update(++done);
    }
  } finally {
    bar.end();
  }
  signal?.throwIfAborted();
}

/** Whether it is settled what is patched. */
export async function isScreened({ store, settings }: StudyRun): Promise<boolean> {
  return settings.screen === 0 || (await store.count("SELECT count(*) FROM finished WHERE stage = 'screen'")) > 0;
}

/** A row for each head, or layer of a site without heads. */
function* expectedRows({ site, axes, metrics }: SweepResult, place: Place, provenance: number): Generator<Row> {
  const sizes = new Map<string, { layer: number; head: number | null; size: number }>();
  for (const { index, at } of entriesOf(metrics.logitDiff!)) {
    const [layer, head] = [index[0]!, axes[1] === "head" ? index[1]! : null];
    const size = Math.abs(at(metrics.logitDiff!)!);
    const name = `${layer}.${head}`;
    if (size >= (sizes.get(name)?.size ?? 0)) sizes.set(name, { layer, head, size });
  }
  for (const one of sizes.values()) yield { ...place, site, ...one, provenance };
}
