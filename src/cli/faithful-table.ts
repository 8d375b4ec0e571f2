import { mean } from "../base/mean.js";
import type { Faithfulness, FaithfulnessCurve } from "../patching/faithful.js";
import { siteHeadName } from "../patching/head-place.js";
import { fixed3 } from "./decimals.js";
import { columns } from "./options.js";

/** How faithful a set of heads is, for people. */
export function faithfulTable(
  { size, of, kept, removed, losses, random }: Faithfulness,
  curve?: FaithfulnessCurve,
): string {
  const control = `${random.kept.length} random sets of as many keep ${fixed3(mean(random.kept))} on average; p = ${fixed3(random.pValue ?? 1)}.\n`;
  const rows = losses.map((one) => [siteHeadName(one), fixed3(one.loss)]);
  return (
    `${size} of ${of} heads keep ${fixed3(kept)} of the answer; without them ${fixed3(removed)} of it is left.\n` +
    (random.kept.length > 0 ? control : "") +
    `\n${columns(rows, ["head", "loss without it"])}` +
    (curve
      ? `\nCPR ${fixed3(curve.cpr)}, CMD ${fixed3(curve.cmd)}\n${columns(
          curve.sizes.map((heads, i) => [heads, fixed3(curve.kept[i]!)]),
          ["heads", "kept"],
        )}`
      : "")
  );
}
