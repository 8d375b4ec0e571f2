import { namesOf } from "../base/options.js";
import { circuitHeads } from "../patching/circuits.js";
import { type HeadPlace, headName } from "../patching/head-place.js";
import {
  bypasses,
  circuitOf,
  ENOUGH,
  type Headline,
  hasSmallestP,
  type RuledCircuit,
  shownChance,
} from "../study/ruled.js";
import type { Modality } from "../study/settings.js";
import type { ReportData, SiteCircuit } from "./report-data.js";
import { type SharedPlace, sharedHeads } from "./shared-heads.js";
import { bounds, count, EXCHANGES, listed, pText, share, shareWithin, span, wilson } from "./words.js";

/** A p-value above this is no more than chance. */
const CHANCE = 0.05;

/** Heads that a sentence names. */
const NAMED = 4;

/**
 * What a run found, in three sentences: how much of the answer which heads carry, which heads are in all circuits, and
 * what the other corruptions say. Each has its numbers, and says so where nothing was found.
 */
export function finding(data: ReportData): string[] {
  const groups = groupsOf(data);
  const [first, ...others] = modalitiesOf(groups);
  if (first === undefined) return ["Nothing was patched yet, so there is nothing to say of any head."];
  const last = others.length > 0 ? others.map((one) => carried(data, one)) : [otherWays(data, first)];
  return [carried(data, first), shared(data, first), ...last];
}

/** What the sentences rest on. */
export function basis({ datasets, headlines = [], rules = [] }: ReportData): string {
  const total = (value: (group: (typeof datasets)[0]["groups"][0]) => number) =>
    datasets.flatMap(({ groups }) => groups).reduce((sum, group) => sum + value(group), 0);
  const [asked, correct, patched] = [
    total((one) => one.asked),
    total((one) => one.correct),
    total((one) => one.patched),
  ];
  const left = datasets.flatMap(({ exclusions }) => exclusions).reduce((sum, one) => sum + one.count, 0);
  const right = asked === 0 ? "" : `, ${shareWithin(correct / asked, wilson(correct, asked))}`;
  return (
    `Patched: ${count(patched, "sample")} of ${count(datasets.length, "data set")}; left out: ${left}. Of ${count(asked, "question")} ` +
    `the model answers ${correct} correctly${right}.${headlines.length > 0 ? testedOn(rules, headlines) : ""}`
  );
}

function testedOn(rules: readonly RuledCircuit[], headlines: readonly Headline[]): string {
  const pairs = rules.map((one) => one.tested_on);
  const [least, most] = [Math.min(...pairs), Math.max(...pairs)];
  const smallest = headlines.map(circuitOf).filter((one) => one && hasSmallestP(one));
  const each = [...new Set(smallest.map((one) => one!.random_sets))].sort((a, b) => a - b);
  const limits = each.map((sets) => `1/${sets + 1} is the smallest p that ${count(sets, "random set")} can give`);
  const few = each.some((sets) => 1 / (sets + 1) > CHANCE) ? ", and no finding; give 20 or more" : "";
  return (
    ` Circuits were tested on ${least === most ? "" : `${least} to `}${count(most, "pair")} of each data set that they were not found on, ` +
    "all other heads corrupted; random: as many heads of the same layers. In brackets: 95% intervals." +
    (limits.length > 0 ? ` ${listed(limits)}${few}.` : "")
  );
}

interface Group {
  readonly dataset: string;
  readonly modality: Modality;
}

/** Everything that has been patched. */
function groupsOf({ circuits, tokenMaps }: ReportData): Group[] {
  const all = [...circuits, ...tokenMaps].map(({ dataset, modality }) => ({ dataset, modality }));
  return [...new Map(all.map((one) => [JSON.stringify(one), one])).values()];
}

/** Pictures first. */
function modalitiesOf(groups: readonly Group[]): Modality[] {
  return namesOf(EXCHANGES).filter((one) => groups.some(({ modality }) => modality === one));
}

/** What heads carry of the answer under one corruption, data set by data set. */
function carried(data: ReportData, modality: Modality): string {
  const groups = groupsOf(data).filter((one) => one.modality === modality);
  const told: Told[] = groups.map(({ dataset }) => ({ dataset, ...outcome(data, dataset, modality) }));
  const of = <Kind extends Outcome["kind"]>(kind: Kind) =>
    told.filter((one): one is Told & Extract<Outcome, { readonly kind: Kind }> => one.kind === kind);
  const clauses = [
    ...of("shown").map(
      ({ circuit, dataset }, at) => `${carrying(circuit, at === 0)} on ${dataset} (${control(circuit)})`,
    ),
    ...of("less").map(
      ({ circuit, dataset }) =>
        `on ${dataset} no set of fewer than half of the ${circuit.of} heads carries 85%: the best ${carrying(circuit)} (${control(circuit)})`,
    ),
    ...around(of("around")),
    ...nothingShown(of("nothing")),
    ...of("untested").map(({ dataset, words }) => `on ${dataset} ${words}`),
  ];
  return `Where ${EXCHANGES[modality]}, ${clauses.join("; ")}.`;
}

/** What is known of the heads of a data set under a corruption. */
type Outcome =
  | { readonly kind: "shown"; readonly circuit: RuledCircuit }
  | { readonly kind: "less"; readonly circuit: RuledCircuit }
  | { readonly kind: "nothing"; readonly circuit: RuledCircuit | null; readonly of: number }
  | { readonly kind: "around"; readonly without: number; readonly of: number }
  | { readonly kind: "untested"; readonly words: string };

type Told = Outcome & { readonly dataset: string };

function outcome(data: ReportData, dataset: string, modality: Modality): Outcome {
  const headline = data.headlines?.find((one) => one.dataset === dataset && one.modality === modality);
  if (!headline) return { kind: "untested", words: untested(data, dataset, modality) };
  const { of, without, smallest, most } = headline;
  if (bypasses(headline)) return { kind: "around", without, of };
  const circuit = smallest ?? most;
  if (!circuit || !isShown(circuit)) return { kind: "nothing", circuit, of };
  return { kind: smallest ? "shown" : "less", circuit };
}

/** More than chance, by an interval that leaves 0 out. */
const isShown = ({ size, tested_on, kept_low, p_value }: RuledCircuit) =>
  size > 0 && tested_on > 1 && kept_low > 0 && (p_value === null || p_value <= CHANCE);

/** "12 of 36 heads carry 90% [86, 94] of the answer"; briefly where that was said of others. */
function carrying(circuit: RuledCircuit, full = false): string {
  const { size, of } = circuit;
  const heads = full ? `${size} of ${count(of, "head")}` : `${size}`;
  return `${heads} ${size === 1 ? "carries" : "carry"} ${kept(circuit)}${full ? " of the answer" : ""}`;
}

/** What is just below 85% is not said to be that. */
function kept({ kept, kept_low, kept_high, tested_on }: RuledCircuit): string {
  const within = tested_on > 1 ? ` [${bounds(kept_low, kept_high)}]` : "";
  const isRounded = kept < ENOUGH && share(kept) === share(ENOUGH);
  return `${isRounded ? `${Math.floor(1000 * kept) / 10}%` : share(kept)}${within}`;
}

const control = (circuit: RuledCircuit) =>
  circuit.p_value === null ? "no control" : `random ${share(circuit.random ?? 0)}, p = ${shownChance(circuit)}`;

const controlOf = (random: number, p: number | null) =>
  p === null ? "no control" : `random ${share(random)}, ${pText(p)}`;

function around(
  groups: readonly { readonly dataset: string; readonly without: number; readonly of: number }[],
): string[] {
  if (groups.length === 0) return [];
  const left = span(groups.map(({ without }) => without));
  const where = listed(groups.map(({ dataset }) => dataset));
  return [
    `without any of the ${groups[0]!.of} heads ${left} of the answer is left on ${where}: it does not pass through them`,
  ];
}

function nothingShown(groups: readonly { dataset: string; circuit: RuledCircuit | null; of: number }[]): string[] {
  if (groups.length === 0) return [];
  const each = groups.map(({ dataset, circuit, of }) => {
    if (!circuit) return `${dataset} (no set of fewer than half of the ${of} heads carries 85%)`;
    if (circuit.size === 0) return `${dataset} (no rule finds a head)`;
    const pairs = circuit.tested_on === 1 ? " of one pair" : "";
    return `${dataset} (${count(circuit.size, "head")}: ${kept(circuit)}${pairs}, ${control(circuit)})`;
  });
  return [`nothing is shown on ${listed(each)}`];
}

/** What can be said where no circuit by a rule was tested. */
function untested(data: ReportData, dataset: string, modality: Modality): string {
  const tested = data.verified.find((one) => one.dataset === dataset && one.modality === modality);
  if (tested) {
    const { heads, of, kept, random, pValue, tested: pairs } = tested;
    return `the circuit of ${heads.length} of ${of} heads carries ${share(kept)} on ${count(pairs, "other pair")} (${controlOf(random, pValue)})`;
  }
  const own = data.circuits.filter((one) => one.dataset === dataset && one.modality === modality);
  if (own.every(({ circuit }) => circuit.samples === 0)) return "no pair has a score";
  const found = own.flatMap((one) => circuitHeads(one.circuit).map((head) => placeName(head, one)));
  if (found.length === 0) return "no head stands out from the others";
  return `${named(found)} ${found.length === 1 ? "stands" : "stand"} out, tested on no other pair`;
}

const placeName = (head: HeadPlace, { site }: { readonly site: string }) => `${headName(head)} (${site})`;

const named = (names: readonly string[]) =>
  names.length <= NAMED ? listed(names) : `${names.slice(0, NAMED).join(", ")} and ${names.length - NAMED} more`;

/** Which heads are in all circuits. */
function shared(data: ReportData, modality: Modality): string {
  const strongest = sharedHeads(data.universality);
  const [first] = strongest;
  if (!first) return "No head stands out in any circuit.";
  const names = named(strongest.map((one) => placeName(one, one)));
  const { of, circuits } = first;
  if (of === 1) return `There is one circuit, so no head can be called universal; in it: ${names}.`;
  const alone = strongest.length === 1 ? alonePart(data, first, modality) : "";
  if (circuits.length === 1)
    return `No head is in two of the ${of} circuits (${scope(data, first)}); in one: ${names}.`;
  const all = `${of === 2 ? "both" : `all ${of}`} circuits (${scope(data, first)})`;
  return circuits.length < of
    ? `No head is in ${all}; in ${circuits.length}: ${names}${alone}.`
    : `${names} ${strongest.length === 1 ? "is" : "are"} in ${all}${alone}.`;
}

function scope({ circuits }: ReportData, { site }: SharedPlace): string {
  const own = circuits.filter((one) => one.site === site && one.circuit.samples > 0);
  const distinct = (what: "dataset" | "modality") => new Set(own.map((one) => one[what])).size;
  return `${count(distinct("dataset"), "data set")}, ${count(distinct("modality"), "corruption")}`;
}

/** What a patch of this head alone does, in the data sets where it does least and most. */
function alonePart(data: ReportData, place: Parameters<typeof aloneIn>[1], modality: Modality): string {
  const found = aloneIn(data, place).filter((one) => one.modality === modality);
  const ordered = found.sort((a, b) => a.mean - b.mean);
  const ends = [...new Set([ordered[0], ordered.at(-1)])].flatMap((one) => one ?? []);
  return ends.length === 0
    ? ""
    : `; put back alone, it moves the answer by ${ends.map((one) => `${aloneWords(one)} on ${one.dataset}`).join(" to ")}`;
}

/** A head's effect in a circuit that has it, by itself at one token. */
type Alone = Pick<SiteCircuit, "dataset" | "modality" | "metric"> & {
  readonly samples: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly signedMean: number;
};

/** What a head does by itself, in every data set under every corruption that has a score. */
export function aloneIn(
  { circuits }: ReportData,
  { site, layer, head }: HeadPlace & { readonly site: string },
): Alone[] {
  return circuits.flatMap(({ circuit, ...one }) => {
    const own = one.site === site && circuit.heads.find((other) => other.layer === layer && other.head === head);
    return own ? [{ ...one, ...own, samples: circuit.samples }] : [];
  });
}

/** "35% [31, 40]"; of a metric that is no share, its number. */
export function aloneWords({ metric, mean, low, high }: Alone): string {
  if (metric === "effect") return shareWithin(mean, [low, high]);
  return `${mean.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}] (${metric})`;
}

/** Of a run with one corruption: how much of the answer takes other ways. */
function otherWays({ headlines = [], verified }: ReportData, modality: Modality): string {
  const tested = headlines.length > 0 ? headlines : verified.map(({ none, ...one }) => ({ ...one, without: none }));
  const left = tested.filter((one) => one.modality === modality);
  if (left.length === 0) return "No set of heads was tested on other pairs, so what these heads carry is not known.";
  const each = left.map(({ dataset, without }) => `${share(without)} on ${dataset}`);
  return `Without any of the ${left[0]!.of} heads there is left ${listed(each)}: so much takes other ways.`;
}
