import { lookingSite } from "../patching/answer-attention.js";
import { type HeadFunctionName, headFunctions } from "../patching/attention-functions.js";
import { circuitHeads } from "../patching/circuits.js";
import { type HeadPlace, headName } from "../patching/head-place.js";
import { PUBLISHED_SHIFT, publishedCircuit, publishedPosition } from "../patching/rules/published.js";
import type { HeadTable } from "../patching/rules/rule.js";
import { parseSite, type Site } from "../patching/sites.js";
import { readCircuits } from "./circuits.js";
import { headFunctionOf } from "./head-functions.js";
import { chancesAt, questionTokens } from "./queries/published.js";
import { type Group, siteShapes } from "./queries/scores.js";
import type { StudyRun } from "./run.js";
import type { Modality } from "./settings.js";
import { wordingOf } from "./wording.js";

/** A head and what it looks at in the data set. */
export interface PublishedHead extends HeadPlace {
  readonly functions: readonly HeadFunctionName[];
}

/** What the authors' procedure says of a run's scores, beside the corrected one. */
export interface PublishedCircuit {
  readonly dataset: string;
  readonly modality: Modality;
  readonly site: Site;
  /** Samples that the procedure reads, and those that it leaves out: without the answer, or a place past the end. */
  readonly samples: number;
  readonly leftOut: number;
  readonly threshold: number;
  readonly published: readonly PublishedHead[];
  /** By the same rule, at the position and by the metric of the run. */
  readonly corrected: readonly PublishedHead[];
  /** Heads that are in one of the two alone. */
  readonly changed: number;
  /** Of the paper's universal heads those in each; empty where the model has no 12 layers of 12 heads. */
  readonly universal: readonly { readonly name: string; readonly published: boolean; readonly corrected: boolean }[];
}

/** L5H3, L3H0 and L0H11 of blip-vqa-base. */
const UNIVERSAL = [
  [5, 3],
  [3, 0],
  [0, 11],
] as const;

/**
 * The circuits of the site that looks at the picture, as the authors' published procedure reads them off these scores,
 * and as this package does.
 *
 * @throws NoticeError as `readCircuits`
 */
export async function readPublished(run: StudyRun): Promise<PublishedCircuit[]> {
  const site = lookingSite({ architecture: await run.architecture() });
  const { circuits } = await readCircuits(run);
  const shape = (await siteShapes(run.store)).find((one) => one.site === site);
  if (site === undefined || shape === undefined) return [];
  const found: PublishedCircuit[] = [];
  for (const { dataset, modality, circuit } of circuits.filter((one) => one.site === site)) {
    const group = { dataset, modality };
    const { table, leftOut } = await publishedTable(run, group, site, shape);
    const read = publishedCircuit(table);
    const places = table.length === 0 ? [] : read.circuit.map((at) => placeAt(at, shape.heads));
    const members = circuitHeads(circuit);
    const published = await withFunctions(run, dataset, places);
    const corrected = await withFunctions(run, dataset, members);
    const isIn = (list: readonly PublishedHead[], layer: number, head: number) =>
      list.some((one) => one.layer === layer && one.head === head);
    found.push({
      ...{ ...group, site, samples: table.length, leftOut, threshold: read.threshold, published, corrected },
      changed:
        published.filter(({ layer, head }) => !isIn(corrected, layer, head)).length +
        corrected.filter(({ layer, head }) => !isIn(published, layer, head)).length,
      universal: (shape.layers === 12 && shape.heads === 12 ? UNIVERSAL : []).map(([layer, head]) => ({
        name: headName({ layer, head }),
        published: isIn(published, layer, head),
        corrected: isIn(corrected, layer, head),
      })),
    });
  }
  return found;
}

const placeAt = (at: number, heads: number) => ({ layer: Math.floor(at / heads), head: at % heads });

async function withFunctions(run: StudyRun, dataset: string, heads: readonly HeadPlace[]): Promise<PublishedHead[]> {
  const found: PublishedHead[] = [];
  for (const { layer, head } of heads)
    found.push({ layer, head, functions: headFunctions(await headFunctionOf(run, { dataset, layer, head })) });
  return found;
}

/**
 * `prob` where the published procedure reads it, [sample][layer * heads + head], of the samples that it reads.
 *
 * @param only of these samples. Default: all.
 */
export async function publishedTable(
  run: StudyRun,
  group: Group,
  site: Site,
  { layers, heads }: { readonly layers: number; readonly heads: number },
  only?: readonly string[],
): Promise<{ table: HeadTable; samples: string[]; leftOut: number }> {
  const positionOf = await publishedPositions(run, site);
  const questions = (await questionTokens(run.store, group)).filter(({ sample }) => !only || only.includes(sample));
  const byPosition = new Map<number, string[]>();
  for (const question of questions) {
    const position = positionOf(question);
    if (position === undefined || position >= question.tokens.length) continue;
    byPosition.set(position, [...(byPosition.get(position) ?? []), question.sample]);
  }
  const rows = new Map<string, (number | null)[]>();
  for (const [position, samples] of byPosition)
    for (const { sample, layer, head, prob } of await chancesAt(run.store, { ...group, site, position, samples })) {
      const row = rows.get(sample) ?? Array.from({ length: layers * heads }, () => null);
      rows.set(sample, row);
      row[layer * heads + head] = prob;
    }
  return { table: [...rows.values()], samples: [...rows.keys()], leftOut: questions.length - rows.size };
}

type Asked = Awaited<ReturnType<typeof questionTokens>>[number];

async function publishedPositions(run: StudyRun, site: Site): Promise<(asked: Asked) => number | undefined> {
  const architecture = await run.architecture();
  const { tower } = parseSite({ architecture }, site);
  if (architecture.towers[tower]!.takes)
    return ({ answer_token }) => (answer_token === null ? undefined : answer_token + PUBLISHED_SHIFT);
  const wording = await wordingOf(run);
  return ({ tokens, correct }) => {
    const [piece] = wording.read(correct.trim().toLowerCase()).own;
    return piece === undefined ? undefined : publishedPosition(tokens.slice(1, -1), piece);
  };
}
