import { checkList, NoticeError } from "../base/errors.js";
import type { Form } from "../data/sample.js";
import { lookingSite } from "../patching/answer-attention.js";
import type { HeadFunctionName } from "../patching/attention-functions.js";
import { depthShares, overlapChance, type Ranked, rankedAlike } from "../patching/comparison.js";
import type { HeadPlace } from "../patching/head-place.js";
import type { Metric } from "../patching/metrics.js";
import { headScores, readCircuits, type StudyCircuit } from "./circuits.js";
import { formOf } from "./form.js";
import { type FunctionsOfHeads, functionsOfHeads } from "./head-functions.js";
import { patchedBy } from "./queries/provenance.js";
import type { StudyRun } from "./run.js";

/** A circuit of one of the runs. */
export interface ComparedCircuit extends Pick<StudyCircuit, "dataset" | "modality" | "site"> {
  /** Which run, from 0. */
  readonly run: number;
  readonly samples: number;
  /** Those in it, the strongest first. */
  readonly heads: readonly HeadPlace[];
  /** Heads that could be in it. */
  readonly of: number;
  /** Which share of all effect each quarter of the model's depth has. */
  readonly depth: readonly number[];
  /** Its heads' functions, where its site is the one that looks at the picture. */
  readonly functions: FunctionsOfHeads;
}

/** Two circuits of different runs. */
export interface ComparedPair {
  /** Their places in `circuits`. */
  readonly a: number;
  readonly b: number;
  /** Heads by name, at a site of equally many heads and layers in both. */
  readonly named?: {
    /** Otherwise the same name need not mean the same head. */
    readonly sameWeights: boolean;
    readonly shared: readonly HeadPlace[];
    /** How likely two random sets of these sizes share at least as many. */
    readonly chance: number;
    /** Whether both rank all heads alike; its interval is over samples. */
    readonly rank: Ranked;
  };
  /** Functions that heads of both have. */
  readonly functions: readonly HeadFunctionName[];
}

/** What runs have in common. */
export interface Comparison {
  readonly runs: readonly {
    readonly folder: string;
    readonly model: string;
    readonly architecture: string;
    /** How its samples were put to the model. */
    readonly form: Form;
    readonly metric: Metric;
    readonly position: string;
  }[];
  readonly circuits: readonly ComparedCircuit[];
  readonly pairs: readonly ComparedPair[];
}

interface Read extends ComparedCircuit {
  /** Whether its site is the one that looks at the picture. */
  readonly looks: boolean;
  /** Of the weights. */
  readonly hashes: string;
  readonly layers: number;
  /** Scores that count, [sample][head]. */
  readonly rows: readonly number[][];
}

/**
 * Compares the circuits of runs: of the same model or of others, on the same data or in another form. Two circuits are
 * compared where they are of different runs, the same corruption, the same data set, and the same site; and of the
 * sites whose heads look at the picture, which are others in other architectures.
 *
 * @throws NoticeError `options` where there are fewer than two runs, one has no scores, or nothing can be compared.
 */
export async function compareRuns(runs: readonly StudyRun[]): Promise<Comparison> {
  checkList("What compareRuns compares", runs, "[run, other]");
  if (runs.length < 2)
    throw new NoticeError("options", `A comparison needs two or more runs; ${runs.length} was given.`);
  const facts: Comparison["runs"][number][] = [];
  const read: Read[] = [];
  for (const [index, run] of runs.entries()) {
    const { model, metric, position } = run.settings;
    const architecture = await run.architecture();
    const asked = { architecture: architecture.name, form: formOf(architecture) };
    facts.push({ folder: run.folder, model, ...asked, metric, position });
    read.push(...(await circuitsOf(run, index)));
  }
  const pairs = read.flatMap((one, a) =>
    read.flatMap((other, b) => (b > a && areComparable(one, other) ? [comparePair(read, a, b)] : [])),
  );
  if (pairs.length === 0)
    throw new NoticeError(
      "options",
      `The runs have no data set, corruption and site in common: ${facts.map(({ folder }, i) => `${folder} has ${groupsOf(read, i)}`).join("; ")}.`,
    );
  return {
    runs: facts,
    circuits: read.map(({ hashes: _, layers: __, rows: ___, looks: ____, ...circuit }) => circuit),
    pairs,
  };
}

async function circuitsOf(run: StudyRun, index: number): Promise<Read[]> {
  const { circuits } = await readCircuits(run);
  const looking = lookingSite({ architecture: await run.architecture() });
  const hashes = (await patchedBy(run.store)).map(({ model_hash }) => model_hash).join(" ");
  const found: Read[] = [];
  for (const { dataset, modality, site, circuit } of circuits) {
    const { samples } = await headScores(run, { dataset, modality, site });
    const rows = samples.map((scores) => scores.flat()).filter((row): row is number[] => !row.includes(null));
    const inCircuit = circuit.heads.filter((one) => one.inCircuit).sort((a, b) => b.mean - a.mean);
    const heads = inCircuit.map(({ layer, head }) => ({ layer, head }));
    const looks = site === looking;
    const functions = looks ? await functionsOfHeads(run, dataset, heads) : {};
    const depth = depthShares(circuit.layerShare);
    const counts = { samples: circuit.samples, of: circuit.heads.length };
    found.push({
      run: index,
      dataset,
      modality,
      site,
      looks,
      ...counts,
      heads,
      depth,
      functions,
      hashes,
      layers: circuit.layerShare.length,
      rows,
    });
  }
  return found;
}

function areComparable(a: Read, b: Read): boolean {
  if (a.run === b.run || a.dataset !== b.dataset || a.modality !== b.modality || !a.samples || !b.samples) return false;
  return a.site === b.site || (a.looks && b.looks);
}

function comparePair(read: readonly Read[], a: number, b: number): ComparedPair {
  const [one, other] = [read[a]!, read[b]!];
  const functions = (Object.keys(one.functions) as HeadFunctionName[]).filter(
    (name) => one.functions[name]!.heads.length > 0 && (other.functions[name]?.heads.length ?? 0) > 0,
  );
  const sameShape = one.layers === other.layers && one.rows[0]!.length === other.rows[0]!.length;
  if (one.site !== other.site || !sameShape) return { a, b, functions };
  const shared = one.heads.filter((head) => other.heads.some((match) => isSame(head, match)));
  const chance = overlapChance(shared.length, one.heads.length, other.heads.length, one.of);
  return {
    a,
    b,
    named: { sameWeights: one.hashes === other.hashes, shared, chance, rank: rankedAlike(one.rows, other.rows) },
    functions,
  };
}

const isSame = (a: HeadPlace, b: HeadPlace) => a.layer === b.layer && a.head === b.head;

const groupsOf = (read: readonly Read[], run: number) =>
  [
    ...new Set(
      read.filter((one) => one.run === run).map(({ dataset, modality, site }) => `${dataset} (${modality}, ${site})`),
    ),
  ].join(", ");
