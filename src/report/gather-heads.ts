import { NoticeError } from "../base/errors.js";
import { readPicture } from "../files/picture.js";
import { attentionOverlay } from "../patching/attention-functions.js";
import type { HeadScores } from "../patching/circuits.js";
import type { HeadPlace } from "../patching/head-place.js";
import type { Site } from "../patching/sites.js";
import type { Picture } from "../pictures/picture.js";
import { headScores } from "../study/circuits.js";
import type { Findings } from "../study/findings.js";
import type { HeadFunctionFacts } from "../study/head-functions.js";
import { type SelectedSample, samplesWithPatterns } from "../study/queries/samples.js";
import { attentionOf, attentionPatterns } from "../study/queries/scores.js";
import type { StudyRun } from "../study/run.js";
import { endsOf, type OnPicture, othersOn } from "./clearest.js";
import type { HeadOnPicture, HeadPicture, OverlaySample, SharedHead } from "./report-data.js";
import { roleOf, sharedHeads } from "./shared-heads.js";

/** Heads that are drawn on the first picture of each data set. */
const HEADS = 3;

/** Pictures of each data set among which a head's clearest is. */
const PICTURES = 4;

/** A sample whose picture can be shown, with where every head looks on it and what it does. */
interface Looked {
  readonly sample: SelectedSample;
  /** [layer][head]; null where it was not patched or has no score. */
  readonly effects: HeadScores;
}

/** Where heads look at pictures, beside what they do there. */
export async function gatherHeads(
  run: StudyRun,
  found: Findings,
  { looking, functions }: { readonly looking: Site | undefined; readonly functions: readonly HeadFunctionFacts[] },
): Promise<{ readonly overlays: OverlaySample[]; readonly shared: SharedHead[] }> {
  const looked = looking === undefined ? [] : await lookedAt(run, found, looking);
  const shared: SharedHead[] = [];
  for (const place of sharedHeads(found.universal)) {
    const own = functions.filter(({ layer, head }) => layer === place.layer && head === place.head);
    const shown =
      place.site === looking ? await picturesOf(run, looked, place, roleOf(own)) : { pictures: [], looked: 0 };
    shared.push({ ...place, ...shown });
  }
  return { overlays: await firstPictures(run, found, looking, looked), shared };
}

async function lookedAt(run: StudyRun, { circuits }: Findings, site: Site): Promise<Looked[]> {
  const looked: Looked[] = [];
  for (const dataset of new Set(circuits.map((one) => one.dataset))) {
    const modality = mainCircuit(circuits, dataset, site)?.modality;
    if (!modality) continue;
    const { names, samples, patched } = await headScores(run, { dataset, modality, site });
    const effects = new Map(names.map((name, at) => [name, samples[at]!]));
    for (const sample of await samplesWithPatterns(run.store, dataset, PICTURES)) {
      const own = effects.get(sample.sample) ?? [];
      const exact = own.map((line, layer) => line.map((one, head) => (patched?.[layer]?.[head] ? one : null)));
      looked.push({ sample, effects: exact });
    }
  }
  return looked;
}

/** A data set's circuit of a site: where pictures are exchanged, if that was patched. */
function mainCircuit(circuits: Findings["circuits"], dataset: string, site: Site | undefined) {
  const own = circuits.filter((one) => one.dataset === dataset && one.site === site);
  return own.find(({ modality }) => modality === "image") ?? own[0];
}

/**
 * The pictures on which a head does most and least plainly what it does: by how well it finds the object or leaves it
 * out where that is its role, else by its effect.
 */
async function picturesOf(
  run: StudyRun,
  looked: readonly Looked[],
  place: HeadPlace,
  role: ReturnType<typeof roleOf>,
): Promise<Pick<SharedHead, "pictures" | "looked">> {
  const measured: (OnPicture & { readonly looked: Looked; readonly auroc: number | null })[] = [];
  const rows = new Map<string, Awaited<ReturnType<typeof attentionOf>>>();
  for (const dataset of new Set(looked.map(({ sample }) => sample.dataset)))
    rows.set(dataset, await attentionOf(run.store, { dataset, layer: place.layer, head: place.head }));
  for (const of of looked) {
    const row = rows.get(of.sample.dataset)!.find(({ sample }) => `${sample}` === of.sample.sample);
    const auroc = row?.auroc ?? null;
    const effect = of.effects[place.layer]?.[place.head] ?? null;
    const by = role === "segmentation" ? auroc : role === "object inhibition" ? auroc && -auroc : effect;
    if (by !== null) measured.push({ looked: of, by, effect, auroc });
  }
  const pictures: HeadPicture[] = [];
  for (const { what, of } of endsOf(measured)) {
    const [sample] = await overlaid(run, of.looked, [place]);
    if (sample) pictures.push({ what, sample, auroc: of.auroc });
  }
  return { pictures, looked: measured.length };
}

/** The strongest heads of each data set on its first picture. */
async function firstPictures(
  run: StudyRun,
  { circuits }: Findings,
  looking: Site | undefined,
  looked: readonly Looked[],
): Promise<OverlaySample[]> {
  const pictures: OverlaySample[] = [];
  for (const dataset of new Set(circuits.map((one) => one.dataset))) {
    const heads = mainCircuit(circuits, dataset, looking)?.circuit.heads ?? [];
    const strongest = [...heads].sort((a, b) => b.mean - a.mean).slice(0, HEADS);
    const [first] = looked.filter(({ sample }) => sample.dataset === dataset);
    if (first && strongest.length > 0) pictures.push(...(await overlaid(run, first, strongest)));
  }
  return pictures;
}

/** Some heads on a sample's picture; nothing where it has been moved away since. */
async function overlaid(run: StudyRun, { sample, effects }: Looked, heads: readonly HeadPlace[]) {
  const { dataset, question, correct, incorrect } = sample;
  const picture = await pictureOf(run, sample.image);
  if (!picture) return [];
  const patterns = await patternsOf(run, dataset, sample.sample);
  const drawn = heads.map(
    ({ layer, head }): HeadOnPicture => ({
      ...{ layer, head, overlay: attentionOverlay(patterns, { layer, head }) },
      effect: effects[layer]?.[head],
      others: othersOn(effects, { layer, head }),
    }),
  );
  return [{ dataset, id: sample.sample, question, answers: [correct, incorrect] as const, picture, heads: drawn }];
}

/** Undefined where it has been moved away since. */
async function pictureOf(run: StudyRun, image: string): Promise<Picture | undefined> {
  try {
    return await readPicture(run.path(image));
  } catch (error) {
    if (error instanceof NoticeError) return undefined;
    throw error;
  }
}

/** [layer][head][imageToken] */
async function patternsOf({ store }: StudyRun, dataset: string, sample: string): Promise<number[][][]> {
  const rows = await attentionPatterns(store, dataset, sample);
  const patterns: number[][][] = [];
  for (const { layer, pattern } of rows) {
    patterns[layer] ??= [];
    patterns[layer].push(pattern);
  }
  return patterns;
}
