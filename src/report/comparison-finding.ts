import { headName } from "../patching/head-place.js";
import type { ComparedPair, Comparison } from "../study/compared.js";
import { count, listed, pText } from "./words.js";

type Named = ComparedPair & { readonly named: NonNullable<ComparedPair["named"]> };

/** How often one of many comparisons may err by chance. */
const RATE = 0.05;

/**
 * What runs have in common, in sentences: how many circuits share more heads than random ones, and the closest two; of
 * other weights, whose heads have no names in common, how many have heads of one function.
 */
export function comparisonFinding({ circuits, pairs }: Comparison): string[] {
  const named = pairs.filter((pair): pair is Named => pair.named !== undefined);
  const apart = pairs.filter((pair) => !pair.named?.sameWeights);
  return [
    ...(named.length > 0 ? byName(circuits, named) : []),
    ...(apart.length > 0 ? [byFunction(circuits, apart)] : []),
  ];
}

function byName(circuits: Comparison["circuits"], pairs: readonly Named[]): string[] {
  // Bonferroni: all are looked at.
  const clear = pairs.filter(({ named }) => named.chance <= RATE / pairs.length);
  if (pairs.length === 1 && clear.length === 0)
    return [
      `By their names the two circuits share ${pairs[0]!.named.shared.length === 0 ? "no heads" : listed(pairs[0]!.named.shared.map(headName))}: no more than random sets of these sizes do (${pText(pairs[0]!.named.chance)}).`,
    ];
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
      `${two.heads.length} heads, ${pText(p)}.${alike}${sameWeights ? "" : " The weights differ, so that the same name need not mean the same head."}`,
  ];
}

function byFunction(circuits: Comparison["circuits"], pairs: readonly ComparedPair[]): string {
  const alike = pairs.filter(({ functions }) => functions.length > 0);
  if (pairs.length === 1) {
    const [{ a, b, functions }] = pairs as [ComparedPair];
    const heads = (at: number, name: ComparedPair["functions"][number]) =>
      listed(circuits[at]!.functions[name]!.heads.map(headName));
    const both = functions.map(
      (name) =>
        `${name} (${heads(a, name)} in run ${circuits[a]!.run + 1}, ${heads(b, name)} in run ${circuits[b]!.run + 1})`,
    );
    return `${APART}: ${both.length === 0 ? "no function is in both" : `both circuits have heads of ${listed(both)}`}.`;
  }
  const names = [...new Set(alike.flatMap(({ functions }) => functions))];
  const which = names.length > 0 ? ` (${listed(names)})` : "";
  return `${APART}: in ${alike.length} of ${count(pairs.length, "pair")} of other weights both circuits have heads of one function${which}.`;
}

const APART = "Models that were trained apart share no names of heads, and are compared by what their heads look at";

const signed = (value: number) => value.toFixed(2).replace("-", "−");
