import { mean } from "../base/mean.js";
import { type Faithfulness, type FaithfulnessCurve, siteHeadName } from "../patching/faithful.js";
import { fixed } from "./means.js";
import { columns } from "./options.js";

/** How faithful a set of heads is, for people. */
export function faithfulTable(
  { size, of, kept, removed, losses, random }: Faithfulness,
  curve?: FaithfulnessCurve,
): string {
  const control = `${random.kept.length} random sets of as many keep ${fixed(mean(random.kept))} on average; p = ${fixed(random.pValue ?? 1)}.\n`;
  const rows = losses.map((one) => [siteHeadName(one), fixed(one.loss)]);
  return (
    `${size} of ${of} heads keep ${fixed(kept)} of the answer; without them ${fixed(removed)} of it is left.\n` +
    (random.kept.length > 0 ? control : "") +
    `\n${columns(rows, ["head", "loss without it"])}` +
    (curve
      ? `\nCPR ${fixed(curve.cpr)}, CMD ${fixed(curve.cmd)}\n${columns(
          curve.sizes.map((heads, i) => [heads, fixed(curve.kept[i]!)]),
          ["heads", "kept"],
        )}`
      : "")
  );
}
