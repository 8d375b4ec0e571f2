import { headFunctions } from "../patching/attention-functions.js";
import { headName } from "../patching/head-place.js";
import type { HeadFunctionFacts } from "../study/head-functions.js";
import { fixed2 } from "./decimals.js";
import { columns } from "./options.js";

const range = (ends: readonly [number, number] | null | undefined) =>
  ends ? `${fixed2(ends[0])} to ${fixed2(ends[1])}` : "-";

/** What the heads of the circuits look at, each number beside its null. */
export function functionTable(heads: readonly HeadFunctionFacts[]): string {
  if (heads.length === 0) return "No head of a circuit looks at the picture.\n";
  const rows = heads.map((one) => [
    ...[one.dataset, headName(one), `${one.objectSamples}`, fixed2(one.auroc), range(one.aurocWithin)],
    ...[range(one.noise), `${one.outlierSamples}`, fixed2(one.outlierMass), fixed2(one.outlierUniform)],
    headFunctions(one).join(", ") || "none of the three",
  ]);
  const header = ["data set", "head", "n", "AUROC of the object", "95%", "of noise"];
  return `what heads look at, beside noise: their own maps, moved to other places\n${columns(rows, [...header, "n", "on outliers", "uniform", "reads as"])}`;
}
