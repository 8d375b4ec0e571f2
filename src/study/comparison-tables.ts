import type { ComparedCircuit, Comparison, HeadPlace } from "./compare.js";

/** A table of words. */
export interface ComparisonTable {
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
    named ? listHeads(named.shared) : "–",
    named ? named.chance.toPrecision(2) : "–",
    named ? interval(named.rank) : "–",
    functions.join(", ") || "–",
  ]);
  const strange = pairs.some(({ named }) => named && !named.sameWeights)
    ? " Where runs have other weights, the same name need not mean the same head."
    : "";
  return [
    {
      caption: "Runs compared.",
      columns: ["run", "folder", "model", "architecture", "metric", "position"],
      rows: runs.map((run, i) => [`${i + 1}`, run.folder, run.model, run.architecture, run.metric, run.position]),
    },
    {
      caption:
        "Their circuits, the strongest head first; each quarter of the model's depth with its share of all effect.",
      columns: ["circuit of run", "samples", "heads", "effect by quarter", "functions"],
      rows: circuits.map((one) => [
        name(one),
        `${one.samples}`,
        listHeads(one.heads),
        one.depth.map((share) => `${Math.round(100 * share)}%`).join(" "),
        Object.entries(one.functions)
          .map(([what, heads]) => `${what} ${listHeads(heads)}`)
          .join("; ") || "–",
      ]),
    },
    {
      caption: `What each two have in common; p: how often random sets of these sizes share as many heads.${strange}`,
      columns: ["circuit", "and", "shared heads", "p", "rank correlation [95%]", "functions of both"],
      rows: both,
    },
  ];
}

const listHeads = (heads: readonly HeadPlace[]) =>
  heads.map(({ layer, head }) => `L${layer}H${head}`).join(", ") || "none";

function interval({ correlation, low, high }: Readonly<Record<"correlation" | "low" | "high", number | null>>): string {
  if (correlation === null || low === null || high === null) return "–";
  return `${correlation.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`;
}
