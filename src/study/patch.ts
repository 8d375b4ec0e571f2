import { NoticeError } from "../base/errors.js";
import type { HeadLook, PatchPairsFound } from "../jobs/patch-pairs.js";
import type { SweepAsked } from "../jobs/sweep.js";
import { MOST_MAPS } from "./function-counts.js";
import { attributionOf, type ModalityPair, pairsOf } from "./pairs.js";
import { checkPosition } from "./position.js";
import { type SelectedSample, selectedSamples } from "./queries/samples.js";
import { chosenHeads } from "./queries/scores.js";
import type { StudyRun } from "./run.js";
import { passRow, scoreRows } from "./score-rows.js";
import { isScreened } from "./screen.js";
import type { Modality } from "./settings.js";
import { WHOLE } from "./shard.js";
import { nameOf, type Stage, throughSamples } from "./stage.js";
import type { Row } from "./tables.js";

/** A sample with its pairs, one a modality, and what it lacks for the others. */
interface Work {
  readonly sample: SelectedSample;
  readonly pairs: readonly ModalityPair[];
  readonly lacking: readonly Row[];
}

/**
 * Sweeps every selected sample in every modality and at every site. Each is written with all its rows in one
 * transaction, so an interrupted run goes on where it was.
 *
 * @throws NoticeError `options` where nothing is selected yet, a screened run is not screened, or no question has the
 * position that circuits are read at; as `throughSamples`.
 */
export async function patch(stage: Stage): Promise<void> {
  const { run, watch, shard = WHOLE } = stage;
  const { store, settings } = run;
  const pending = await selectedSamples(store, shard, "patched");
  await run.checkSelected();
  if (pending.length === 0) return;
  if (!(await isScreened(run)))
    throw new NoticeError(
      "options",
      `The run ${run.folder} patches ${settings.screen} heads a site, and they are not chosen yet; \`notice screen\` does it.`,
    );
  await checkPosition(run, "selected");
  await throughSamples(stage, {
    name: "patch",
    job: "patchPairs",
    work: await workOf(run, pending),
    rowsOf(work, { output, error }, provenance) {
      const found: PatchPairsFound = output ?? {
        pairs: work.pairs.map(() => ({ refused: error!.message })),
        looks: [],
      };
      const { dataset, sample } = work.sample;
      if (found.unmasked) watch.warn(`${found.unmasked} The sample goes without its mask.`);
      for (const { refused } of found.pairs) if (refused) watch.warn(`${nameOf(work.sample)}: ${refused}`);
      return {
        ...pairRows(work, found.pairs),
        attention: found.looks.map((look) => lookRow(work.sample, look)),
        patched: [{ dataset, sample, provenance }],
      };
    },
  });
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
    const mask = sample.mask === null ? undefined : run.path(sample.mask);
    return { key, input: { pairs, looks: { mask, patterns: sample.ordinal < MOST_MAPS } } };
  });
}

/** The sweeps of a data set in a modality: whole sites, or what was chosen of them, a sweep a layer. */
async function chosenSweeps({ store, settings }: StudyRun) {
  const { sites, direction } = settings;
  const chosen = await chosenHeads(store);
  return (dataset: string, modality: Modality): readonly SweepAsked[] =>
    sites.flatMap((site): SweepAsked[] => {
      const own = chosen.filter((one) => one.dataset === dataset && one.modality === modality && one.site === site);
      // Where no sample could be screened on, nothing is known of any head.
      if (own.length === 0) return [{ site, direction }];
      return own.map(
        ({ layer, heads }) => ({ site, direction, layers: [layer], heads: heads ?? undefined }) as SweepAsked,
      );
    });
}

function pairRows({ sample, pairs, lacking }: Work, found: PatchPairsFound["pairs"]) {
  const rows = { passes: [] as Row[], scores: [] as Row[], exclusions: [...lacking] };
  for (const [i, pair] of found.entries()) {
    const { modality } = pairs[i]!;
    const { dataset, sample: source } = sample;
    const place = { dataset, sample: source, modality };
    if (pair.refused === undefined) {
      rows.passes.push(passRow(pair, place));
      rows.scores.push(...scoreRows(pair, place));
    } else
      rows.exclusions.push({
        stage: "patch",
        dataset,
        source,
        reason: `${modality} pair failed`,
        detail: pair.refused,
      });
  }
  return rows;
}

function lookRow({ dataset, sample }: SelectedSample, { layer, head, object, outliers, pattern }: HeadLook): Row {
  return {
    ...{ dataset, sample, layer, head, pattern },
    object_mass: object?.mass,
    object_uniform: object?.uniform,
    auroc: object?.auroc,
    outlier_mass: outliers?.mass,
    outlier_uniform: outliers?.uniform,
  };
}
