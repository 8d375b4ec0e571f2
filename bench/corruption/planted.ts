import * as tf from "@tensorflow/tfjs-core";
import { mean } from "../../src/base/mean.js";
import { gaussianNoise } from "../../src/corruption/gaussian.js";
import { auroc } from "../../src/patching/attention-functions.js";
import { headEffects } from "../../src/patching/head-effects.js";
import type { Pair } from "../../src/patching/pair.js";
import type { Evidence } from "../../src/patching/rules/rule.js";
import { findBy, type RuleName } from "../../src/patching/rules/rules.js";
import {
  CIRCUITS,
  type CircuitName,
  PLANTED_CLASSES,
  type Planted,
  type PlantedClass,
  type PlantedCorruption,
  plantIn,
} from "../../test/support/planted.js";
import { distanceFrom } from "./distance.js";
import { featuresOf } from "./features.js";
import { CORRUPTIONS, type Corruption, meanOf, sigmaOf, table } from "./figures.js";

/** What all heads but the planted ones write, into directions that the circuit does not read. */
const NOISE = 0.25;
/** Pairs whose passes say what is usual. */
const USUAL = 12;

/** What one corruption shows of one planted model. */
interface Cell {
  readonly corruption: Corruption;
  readonly circuit: CircuitName;
  readonly className: PlantedClass;
  /** Chance that a planted head has a larger mean |effect| than another. */
  readonly auroc: number;
  /** Planted heads among as many of the strongest. */
  readonly precision: number;
  /** Heads that a rule finds and that are not planted. */
  readonly controlledFalse: number;
  readonly paperFalse: number;
  /** Of the corrupted passes from clean ones. */
  readonly distance: number;
}

type Told = "auroc" | "precision" | "controlledFalse" | "paperFalse" | "distance";

export interface PlantedOptions {
  readonly seed: number;
  /** Models of each circuit and architecture. */
  readonly models: number;
  /** Pairs of each. */
  readonly pairs: number;
}

/** Every circuit in every architecture under every corruption. */
export async function plantedTables({ seed, models, pairs }: PlantedOptions): Promise<string> {
  const cells: Cell[] = [];
  const names = Object.keys(CIRCUITS) as CircuitName[];
  for (const className of PLANTED_CLASSES)
    for (const circuit of names)
      for (let at = 0; at < models; at++) {
        using planted = await plantIn(className, circuit, NOISE, seed + at);
        const distance = await usual(planted, circuit);
        for (const corruption of CORRUPTIONS) {
          // Only there the question says something.
          if (corruption === "STR" && circuit !== "asked") continue;
          const cell = await cellOf(planted, corruption, distance, { seed: seed + at, pairs });
          cells.push({ corruption, circuit, className, ...cell });
        }
      }
  const told = (what: Told, title: string, rows: readonly string[] = names) => {
    const cell = (row: string, corruption: Corruption) => {
      const own = cells.filter((one) => one.corruption === corruption && isOf(one, row));
      return meanOf(
        own.map((one) => one[what]),
        seed,
      );
    };
    const body = [...rows, "all"].map((row) => [row, ...CORRUPTIONS.map((corruption) => cell(row, corruption))]);
    return `\n${title}\n\n${table(["planted", ...CORRUPTIONS], body)}`;
  };
  return [
    `Planted: ${models} models of each circuit and architecture, ${pairs} pairs each; intervals over models.`,
    told("auroc", "AUROC of mean |effect|, planted heads against the others", [...names, ...PLANTED_CLASSES]),
    told("precision", "Planted heads among as many of the strongest"),
    told("controlledFalse", "False heads of the controlled rule, a model"),
    told("paperFalse", "False heads of the paper's rule, a model"),
    told("distance", "Distance of the corrupted pass from clean ones of both answers"),
  ].join("\n");
}

const isOf = ({ circuit, className }: Cell, row: string) => row === "all" || circuit === row || className === row;

async function cellOf(
  planted: Planted,
  corruption: Corruption,
  distance: ReturnType<typeof distanceFrom>,
  { seed, pairs }: Omit<PlantedOptions, "models">,
) {
  const heads = planted.all.map(({ positive: _, ...head }) => head);
  const rows: number[][] = [];
  const far: number[] = [];
  for (let at = 0; at < pairs; at++) {
    // Signals of 0.7 to 1.3, as pictures differ.
    using pair = await planted.makePair(0.7 + (0.6 * at) / (pairs - 1), corrupting(corruption, 1000 * seed + at));
    rows.push((await headEffects(pair)).map(({ logitDiff }) => logitDiff));
    far.push(distance(await featuresOf(pair.corrupted)));
  }
  const sizes = heads.map((_, at) => mean(rows.map((row) => Math.abs(row[at]!))));
  const positive = planted.all.map((one) => one.positive);
  const strongest = sizes.map((_, at) => at).sort((a, b) => sizes[b]! - sizes[a]!);
  const size = planted.heads.length;
  const scores = { prob: rows, probDiff: rows, logitDiff: rows, effect: rows };
  const evidence: Evidence = { heads, scores, effects: rows, keep: async () => [] };
  const falseOf = async (rule: RuleName) =>
    (await findBy(rule, evidence))!.circuit.filter((at) => !positive[at]).length;
  return {
    auroc: auroc(sizes, positive)!,
    precision: strongest.slice(0, size).filter((at) => positive[at]).length / size,
    controlledFalse: await falseOf("controlled"),
    paperFalse: await falseOf("paper-logit-diff"),
    distance: mean(far),
  };
}

function corrupting(corruption: Corruption, seed: number): PlantedCorruption {
  const sigma = sigmaOf(corruption);
  if (sigma !== undefined) return (clean) => gaussianNoise(clean, { sigma, seed });
  if (corruption === "SIP") return "image";
  if (corruption === "STR") return "text";
  if (corruption === "zero") return (clean) => tf.zerosLike(clean);
  return "mean";
}

/** How far a pass lies from clean ones, of both answers: of other pictures, and where it matters of other questions. */
async function usual(planted: Planted, circuit: CircuitName) {
  const rows: number[][] = [];
  const others = circuit === "asked" ? (["image", "text"] as const) : (["image"] as const);
  for (let at = 0; at < USUAL; at++)
    for (const other of others) {
      using pair: Pair = await planted.makePair(0.7 + (0.6 * (at + 0.5)) / USUAL, other);
      rows.push(await featuresOf(pair.clean), await featuresOf(pair.corrupted));
    }
  return distanceFrom([rows]);
}
