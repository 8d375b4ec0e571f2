import { indexesOf } from "../patching/agreement.js";
import type { Scores } from "../patching/scores.js";
import { attributionOf, pairsOf } from "./pairs.js";
import { isFinished, type SelectedSample, selectedSamples } from "./queries/samples.js";
import { chooseHeads } from "./queries/scores.js";
import type { StudyRun } from "./run.js";
import type { Place } from "./score-rows.js";
import { type Stage, throughSamples } from "./stage.js";
import type { Row } from "./tables.js";

/** Number of samples of each data set by which the heads to patch are chosen. */
const SCREENED_ON = 32;

/**
 * Chooses the heads (or layers) to patch, for each data set, modality and site: those with the largest mean, over the
 * first selected samples, of their largest |attribution| at any token. All samples share one choice. A choice for each
 * sample would bias the means upwards. Does nothing if the run is not screened.
 *
 * @throws NoticeError `options` where nothing is selected yet; as the pool; the signal's reason.
 */
export async function screen(stage: Stage): Promise<void> {
  const { store, settings } = stage.run;
  if (await isScreened(stage.run)) return;
  await stage.run.checkSelected();
  const pending = (await selectedSamples(store, undefined, "expected")).filter(({ ordinal }) => ordinal < SCREENED_ON);
  if (pending.length > 0) await attributeSamples(stage, pending);
  await store.transaction(async () => {
    await chooseHeads(store, settings.screen);
    await store.insert("finished", [{ stage: "screen", dataset: "" }]);
  });
}

/** Computes the attributions of the samples. */
function attributeSamples(stage: Stage, samples: readonly SelectedSample[]): Promise<void> {
  const { run } = stage;
  const attribution = attributionOf(run.settings);
  return throughSamples(stage, {
    name: "screen",
    job: "patchPairs",
    work: samples.map((sample) => {
      const { pairs } = pairsOf(run, sample);
      const input = { pairs: pairs.map(({ input }) => ({ input, sweeps: [], attribution })) };
      return { key: { ...sample, pairs }, input };
    }),
    // A sample that fails here also fails in `patch`, which reports it.
    rowsOf: ({ dataset, sample, pairs }, { output }, provenance) => ({
      expected: (output?.pairs ?? []).flatMap(({ attributions = [] }, i) => {
        const place = { dataset, sample, modality: pairs[i]!.modality };
        return attributions.flatMap((table) => [...expectedRows(table, place, provenance)]);
      }),
    }),
  });
}

/** Whether the choice has been made. */
export async function isScreened({ store, settings }: StudyRun): Promise<boolean> {
  return settings.screen === 0 || (await isFinished(store, "screen"));
}

/** A row for each head, or layer of a site without heads. */
function* expectedRows(scores: Scores, place: Place, provenance: number): Generator<Row> {
  const { site, axes, shape } = scores.facts;
  const sizes = new Map<string, { layer: number; head: number | null; size: number }>();
  for (const index of indexesOf(shape)) {
    const [layer, head] = [index[0]!, axes[1] === "head" ? index[1]! : null];
    const size = Math.abs(scores.at("logitDiff", ...index)!);
    const name = `${layer}.${head}`;
    if (size >= (sizes.get(name)?.size ?? 0)) sizes.set(name, { layer, head, size });
  }
  for (const one of sizes.values()) yield { ...place, site, ...one, provenance };
}
