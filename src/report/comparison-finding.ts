import { headName } from "../patching/head-place.js";
import type { ComparedPair, Comparison } from "../study/compared.js";
import { chance, count, listed } from "./words.js";

type Named = ComparedPair & { readonly named: NonNullable<ComparedPair["named"]> };

/** How often one of many comparisons may err by chance. */
const RATE = 0.05;

/** What runs have in common, in sentences: how many circuits share more heads than random ones, and the closest two. */
export function comparisonFinding({ circuits, pairs }: Comparison): string[] {
  const named = pairs.filter((pair): pair is Named => pair.named !== undefined);
  const other = pairs.length - named.length;
  return [...(named.length > 0 ? byName(circuits, named) : []), ...(other > 0 ? [byFunction(pairs, other)] : [])];
}

function byName(circuits: Comparison["circuits"], pairs: readonly Named[]): string[] {
  // Bonferroni: all are looked at.
  const clear = pairs.filter(({ named }) => named.chance <= RATE / pairs.length);
  const limit = `p at most ${RATE} / ${pairs.length}`;
  const many = `Of ${count(pairs.length, "pair")} of circuits that are compared by name`;
  if (clear.length === 0)
    return [
      `${many} none shares more heads than random sets of these sizes do (${limit}): nothing in common is shown.`,
    ];
  const closest = clear.reduce((best, one) => (one.named.chance < best.named.chance ? one : best));
  const { shared, chance: p, rank, sameWeights } = closest.named;
  const [one, two] = [circuits[closest.a]!, circuits[closest.b]!];
  const where = `${one.dataset}, ${one.modality}, ${one.site}, of runs ${one.run + 1} and ${two.run + 1}`;
  const { correlation, low, high } = rank;
  const alike =
    correlation === null || low === null || high === null
      ? ""
      : ` All heads are ranked alike by ${signed(correlation)} [${signed(low)}, ${signed(high)}] (Spearman).`;
  return [
    `${many} ${clear.length} ${clear.length === 1 ? "shares" : "share"} more heads than random sets of these sizes do (${limit}).`,
    `The closest are those on ${where}: ${listed(shared.map(headName))} in both, of ${one.heads.length} and ` +
      `${two.heads.length} heads, ${chance(p)}.${alike}${sameWeights ? "" : " The weights differ, so that the same name need not mean the same head."}`,
  ];
}

function byFunction(pairs: readonly ComparedPair[], count: number): string {
  const alike = pairs.filter(({ named, functions }) => !named && functions.length > 0);
  const names = [...new Set(alike.flatMap(({ functions }) => functions))];
  const which = names.length > 0 ? ` (${listed(names)})` : "";
  return `${count} more are of other sites or sizes and are compared by what heads look at: in ${alike.length} of them both have heads of one function${which}.`;
}

const signed = (value: number) => value.toFixed(2).replace("-", "−");
