import { NoticeError } from "../base/errors.js";
import { readPicture } from "../files/picture.js";
import type { AnswerAttention } from "../patching/answer-attention.js";
import { headAttention, patchShares } from "../patching/attention-functions.js";
import type { Site } from "../patching/sites.js";
import type { PoolSweep, StudyResult } from "../pool/messages.js";
import { attributionOf, type ModalityPair, pairsOf, type SelectedSample } from "./pairs.js";
import { checkPosition } from "./position.js";
import type { StudyRun } from "./run.js";
import { passRow, scoreRows } from "./score-rows.js";
import { isScreened } from "./screen.js";
import type { Modality } from "./settings.js";
import { type Shard, WHOLE } from "./shard.js";
import { nameOf, type Stage, until, type Watch } from "./stage.js";
import type { Row } from "./tables.js";

/** So many samples of each data set keep their patterns, for the report's pictures. */
const WITH_PATTERN = 4;

/** A sample with its pairs, one a modality, and what it lacks for the others. */
interface Work {
  readonly sample: SelectedSample;
  readonly pairs: readonly ModalityPair[];
  readonly lacking: readonly Row[];
}

/**
 * Sweeps every selected sample in every modality and at every site. Each is written with all its rows in one transaction, so an
 * interrupted run goes on where it was.
 *
 * @throws NoticeError `options` where nothing is selected yet, a screened run is not screened, or no question has the position
 * that circuits are read at; as the pool; the signal's reason.
 */
export async function patch({ run, watch, pool, signal }: Stage, shard: Shard = WHOLE): Promise<void> {
  const { store, settings } = run;
  const pending = await store.rows<SelectedSample>(
    `SELECT s.*, ordinal FROM selected JOIN samples s USING (dataset, sample) ANTI JOIN patched USING (dataset, sample)
     WHERE ordinal % $1 = $2 ORDER BY dataset, ordinal`,
    [shard.count, shard.index],
  );
  await run.checkSelected();
  if (pending.length === 0) return;
  if (!(await isScreened(run)))
    throw new NoticeError(
      "options",
      `The run ${run.folder} patches ${settings.screen} heads a site, and they are not chosen yet; \`notice screen\` does it.`,
    );
  await checkPosition(run, "selected");
  await run.checkModel();
  const bar = watch.begin("patch", pending.length);
  try {
    const workers = await pool();
    const provenance = await run.provenance(workers.backend);
    const work = await workOf(run, pending);
    let done = 0;
    for await (const { key, result, error } of workers.study(until(work, signal))) {
      const { dataset, sample } = key.sample;
      if (error && error.code !== "worker") throw error;
      const outcome = error ? { pairs: key.pairs.map(() => ({ refused: error.message })), attention: null } : result;
      const attention = await attentionRows(run, key.sample, outcome.attention, watch);
      await store.transaction(async () => {
        await insertPairs(run, key, outcome);
        await store.insert("attention", attention);
        await store.insert("patched", [{ dataset, sample, provenance }]);
      });
      for (const { refused } of outcome.pairs) if (refused) watch.warn(`${nameOf(key.sample)}: ${refused}`);
      bar.update(++done);
    }
  } finally {
    bar.end();
  }
  signal?.throwIfAborted();
}

async function workOf(run: StudyRun, samples: readonly SelectedSample[]) {
  const { settings } = run;
  const sweepsOf = await chosenSweeps(run);
  const attribution = settings.attribution || settings.screen > 0 ? attributionOf(settings) : undefined;
  return samples.map((sample) => {
    const key: Work = { sample, ...pairsOf(run, sample) };
    const pairs = key.pairs.map(({ modality, input }) => ({
      input,
      sweeps: sweepsOf(sample.dataset, modality),
      attribution,
    }));
    return { key, pairs };
  });
}

/** The sweeps of a data set in a modality: whole sites, or what was chosen of them, a sweep a layer. */
async function chosenSweeps({
  store,
  settings,
}: StudyRun): Promise<(dataset: string, modality: Modality) => readonly PoolSweep[]> {
  const { sites, direction } = settings;
  const chosen = await store.rows<{ dataset: string; modality: Modality; site: Site; layer: number; heads: number[] }>(
    `SELECT dataset, modality, site, layer, list(head ORDER BY head) FILTER (head IS NOT NULL) AS heads
     FROM chosen GROUP BY ALL ORDER BY ALL`,
  );
  return (dataset, modality) =>
    sites.flatMap((site): PoolSweep[] => {
      const own = chosen.filter((one) => one.dataset === dataset && one.modality === modality && one.site === site);
      // Where no sample could be screened on, nothing is known of any head.
      if (own.length === 0) return [{ site, direction }];
      return own.map(
        ({ layer, heads }) => ({ site, direction, layers: [layer], heads: heads ?? undefined }) as PoolSweep,
      );
    });
}

async function insertPairs(run: StudyRun, { sample, pairs, lacking }: Work, found: StudyResult): Promise<void> {
  const { store } = run;
  const exclusions = [...lacking];
  for (const [i, pair] of found.pairs.entries()) {
    const { modality } = pairs[i]!;
    const place = { dataset: sample.dataset, sample: sample.sample, modality };
    if (pair.refused === undefined) {
      await store.insert("passes", [passRow(pair, place)]);
      await store.insert("scores", [...scoreRows(pair, place)]);
    } else {
      const reason = `${modality} pair failed`;
      exclusions.push({
        stage: "patch",
        dataset: place.dataset,
        source: place.sample,
        reason,
        detail: pair.refused,
      });
    }
  }
  await store.insert("exclusions", exclusions);
}

async function attentionRows(
  run: StudyRun,
  { dataset, sample, mask, ordinal }: SelectedSample,
  attention: AnswerAttention | null,
  watch: Watch,
): Promise<Row[]> {
  if (!attention) return [];
  const shares = mask === null ? undefined : await sharesOf(run.path(mask), attention.side, watch);
  return attention.patterns.flatMap((heads, layer) =>
    heads.map((pattern, head) => {
      const { object, outliers } = headAttention(pattern, attention.norms, shares);
      return {
        dataset,
        sample,
        layer,
        head,
        object_mass: object?.mass,
        object_uniform: object?.uniform,
        auroc: object?.auroc,
        outlier_mass: outliers?.mass,
        outlier_uniform: outliers?.uniform,
        pattern: ordinal < WITH_PATTERN ? pattern : undefined,
      };
    }),
  );
}

async function sharesOf(mask: string, side: number, watch: Watch): Promise<number[] | undefined> {
  try {
    return patchShares(await readPicture(mask), side);
  } catch (error) {
    if (!(error instanceof NoticeError)) throw error;
    watch.warn(`${error.message} The sample goes without its mask.`);
    return undefined;
  }
}
