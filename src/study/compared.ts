import { NoticeError } from "../base/errors.js";
import { namesOf } from "../base/options.js";
import type { Form } from "../data/sample.js";
import type { HeadFunctionName } from "../patching/attention-functions.js";
import { type Circuit, circuitHeads, type HeadScores } from "../patching/circuits.js";
import { depthShares, overlapChance, type Ranked, rankedAlike } from "../patching/comparison.js";
import type { HeadPlace } from "../patching/head-place.js";
import type { Metric } from "../patching/metrics.js";
import type { StudyCircuit } from "./circuits.js";
import type { FunctionsOfHeads } from "./function-counts.js";

// What circuits have in common: of runs as `notice compare` reads them, and of models in a page.

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

/** A circuit, and what it is compared by. */
export interface CircuitRead extends ComparedCircuit {
  /** Whether its site is the one that looks at the picture. */
  readonly looks: boolean;
  /** Of the weights. */
  readonly hashes: string;
  readonly layers: number;
  /** Scores that count, [sample][head]. */
  readonly rows: readonly number[][];
}

/** Where a circuit is from. */
type CircuitPlace = Pick<CircuitRead, "run" | "dataset" | "modality" | "site" | "looks" | "hashes">;

/** Heads that are in a circuit, the strongest first. */
export const membersOf = (circuit: Circuit): HeadPlace[] =>
  circuitHeads(circuit).map(({ layer, head }) => ({ layer, head }));

/** A circuit as it is compared. @param samples every head's scores, that it was found in. */
export function readCircuit(
  place: CircuitPlace,
  circuit: Circuit,
  samples: readonly HeadScores[],
  functions: FunctionsOfHeads,
): CircuitRead {
  return {
    ...place,
    samples: circuit.samples,
    of: circuit.heads.length,
    heads: membersOf(circuit),
    depth: depthShares(circuit.layerShare),
    functions,
    layers: circuit.layerShare.length,
    rows: samples.map((scores) => scores.flat()).filter((row): row is number[] => !row.includes(null)),
  };
}

/**
 * Compares circuits where they are of different runs, the same corruption, the same data set, and the same site; and
 * those of sites whose heads look at the picture, which are others in other architectures.
 *
 * @throws NoticeError `options` where nothing can be compared.
 */
export function compareCircuits(runs: Comparison["runs"], read: readonly CircuitRead[]): Comparison {
  const pairs = read.flatMap((one, a) =>
    read.flatMap((other, b) => (b > a && areComparable(one, other) ? [comparePair(read, a, b)] : [])),
  );
  if (pairs.length === 0)
    throw new NoticeError(
      "options",
      `The runs have no data set, corruption and site in common: ${runs.map(({ folder }, i) => `${folder} has ${groupsOf(read, i)}`).join("; ")}.`,
    );
  const circuits = read.map(({ hashes: _, layers: __, rows: ___, looks: ____, ...circuit }) => circuit);
  return { runs, circuits, pairs };
}

function areComparable(a: CircuitRead, b: CircuitRead): boolean {
  if (a.run === b.run || a.dataset !== b.dataset || a.modality !== b.modality || !a.samples || !b.samples) return false;
  return a.site === b.site || (a.looks && b.looks);
}

function comparePair(read: readonly CircuitRead[], a: number, b: number): ComparedPair {
  const [one, other] = [read[a]!, read[b]!];
  const functions = namesOf(one.functions).filter(
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

const groupsOf = (read: readonly CircuitRead[], run: number) =>
  [
    ...new Set(
      read.filter((one) => one.run === run).map(({ dataset, modality, site }) => `${dataset} (${modality}, ${site})`),
    ),
  ].join(", ");
