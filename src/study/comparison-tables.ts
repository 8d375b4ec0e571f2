import type { HeadFunctionName } from "../patching/attention-functions.js";
import { type HeadPlace, headName } from "../patching/head-place.js";
import type { ComparedCircuit, ComparedPair, Comparison } from "./compared.js";

/** A table of words. */
interface ComparisonTable {
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A comparison as three tables: the runs, their circuits, and what each two have in common. */
export function comparisonTables({ runs, circuits, pairs }: Comparison): ComparisonTable[] {
  const name = ({ run, dataset, modality, site }: ComparedCircuit) => `${run + 1}: ${dataset}, ${modality}, ${site}`;
  const both = pairs.map(({ a, b, named, functions }) => [
    name(circuits[a]!),
    name(circuits[b]!),
    ...(named
      ? [byName(named), named.chance.toPrecision(2), interval(named.rank)]
      : ["other sites or sizes", "not by name", "not by name"]),
    functions.map((what) => sharedBy(what, circuits[a]!, circuits[b]!)).join("; ") || "no function in both",
  ]);
  const strange = pairs.some(({ named }) => named && !named.sameWeights)
    ? " By place: of other weights, where the same name need not mean the same head; compare those by function."
    : "";
  return [
    {
      caption: "Runs compared.",
      columns: ["run", "folder", "model", "architecture", "form", "metric", "position"],
      rows: runs.map(({ folder, model, architecture, form, metric, position }, i) => [
        `${i + 1}`,
        folder,
        model,
        architecture,
        form,
        metric,
        position,
      ]),
    },
    {
      caption:
        "Their circuits, the strongest head first; each quarter of the model's depth with its share of all effect; how many " +
        "heads have a function, with the 95% interval over samples.",
      columns: ["circuit of run", "samples", "heads", "effect by quarter", "functions"],
      rows: circuits.map((one) => [
        name(one),
        `${one.samples}`,
        listHeads(one.heads),
        one.depth.map((share) => `${Math.round(100 * share)}%`).join(" "),
        Object.entries(one.functions)
          .map(([what, { heads, low, high }]) => `${what} ${heads.length} [${low}, ${high}] ${listHeads(heads)}`)
          .join("; ") || "does not look at the picture",
      ]),
    },
    {
      caption: `What each two have in common; p: how often random sets of these sizes share as many heads.${strange}`,
      columns: ["circuit", "and", "shared heads", "p", "rank correlation [95%]", "heads of the same function"],
      rows: both,
    },
  ];
}

const byName = ({ shared, sameWeights }: NonNullable<ComparedPair["named"]>) =>
  sameWeights || shared.length === 0 ? listHeads(shared) : `${listHeads(shared)} (by place)`;

/** The heads of both that have a function. */
const sharedBy = (what: HeadFunctionName, one: ComparedCircuit, other: ComparedCircuit) =>
  `${what} ${listHeads(one.functions[what]!.heads)} and ${listHeads(other.functions[what]!.heads)}`;

const listHeads = (heads: readonly HeadPlace[]) => heads.map(headName).join(", ") || "none";

function interval({ correlation, low, high }: Readonly<Record<"correlation" | "low" | "high", number | null>>): string {
  if (correlation === null || low === null || high === null) return "too few samples";
  return `${correlation.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`;
}
