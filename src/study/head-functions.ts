import { lookingSite } from "../patching/answer-attention.js";
import { type HeadAttention, type HeadFunction, meanAttention } from "../patching/attention-functions.js";
import type { StudyCircuit } from "./circuits.js";
import { attentionOf } from "./queries/scores.js";
import type { StudyRun } from "./run.js";

/** Where a head looks from the answer's token (of a causal tower the last), over the samples of a data set. */
export interface HeadFunctionFacts extends HeadFunction {
  readonly dataset: string;
  readonly layer: number;
  readonly head: number;
}

/** What the heads of each data set's circuits attend to, at the site that looks at the picture. */
export async function headFunctionFacts(
  run: StudyRun,
  circuits: readonly StudyCircuit[],
): Promise<HeadFunctionFacts[]> {
  const facts: HeadFunctionFacts[] = [];
  const looking = lookingSite({ architecture: await run.architecture() });
  for (const dataset of new Set(circuits.map((one) => one.dataset))) {
    const own = circuits.filter((one) => one.dataset === dataset && one.site === looking);
    const members = own.flatMap(({ circuit }) => circuit.heads.filter(({ inCircuit }) => inCircuit));
    const names = [...new Set(members.map(({ layer, head }) => `${layer}.${head}`))]
      .map((name) => name.split(".").map(Number) as [number, number])
      .sort(([layer, head], [otherLayer, otherHead]) => layer - otherLayer || head - otherHead);
    for (const [layer, head] of names) {
      facts.push(await headFunctionOf(run, { dataset, layer, head }));
    }
  }
  return facts;
}

/** What a head attends to in a data set's samples. */
export async function headFunctionOf(
  { store }: StudyRun,
  place: Pick<HeadFunctionFacts, "dataset" | "layer" | "head">,
): Promise<HeadFunctionFacts> {
  const rows = await attentionOf(store, place);
  return { ...place, ...meanAttention(rows.map(attentionIn)) };
}

function attentionIn(row: Record<string, number | null>): HeadAttention {
  const { object_mass, object_uniform, outlier_mass, outlier_uniform, auroc } = row;
  return {
    object: object_mass == null ? null : { mass: object_mass, uniform: object_uniform!, auroc: auroc ?? null },
    outliers: outlier_mass == null ? null : { mass: outlier_mass, uniform: outlier_uniform! },
  };
}
