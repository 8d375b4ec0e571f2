import type { CsvRow } from "./csv.js";
import { Unusable } from "./unusable.js";

/** The places of a triplet, and the columns that say which one the negative picture differs in. */
export const PLACES = ["subject", "verb", "object"] as const;
type Place = (typeof PLACES)[number];
const FLAGS = ["subj_neg", "verb_neg", "obj_neg"];

type Triplet = readonly [subject: string, verb: string, object: string];

/** The columns that preparing reads. */
export const SVO_COLUMNS = ["pos_triplet", "neg_triplet", "pos_image_id", "neg_image_id", ...FLAGS];

interface SvoPicture {
  readonly id: string;
  readonly triplet: Triplet;
}

/** Two pictures that differ at one place. */
export interface SvoPair {
  readonly place: Place;
  readonly positive: SvoPicture;
  readonly negative: SvoPicture;
  /** The column `prompt`, where there is one and it is not empty. */
  readonly prompt?: string;
  /** The column `sentence`, likewise: it is true of the positive picture. */
  readonly sentence?: string;
}

const MOST_TRIPLETS = 16;

/** @throws Unusable where the row is no pair. */
export function svoPair(row: CsvRow): SvoPair {
  if (row.broken !== undefined) throw new Unusable("broken row", row.broken);
  const cell = (name: string) => row.cells.get(name)!.trim();
  const places = PLACES.filter((_, i) => isSet(FLAGS[i]!, cell(FLAGS[i]!)));
  const positives = triplets(cell("pos_triplet"));
  const negatives = triplets(cell("neg_triplet"));
  if (places.length !== 1) throw new Unusable("not one negated place", `negated: ${places.join(", ") || "none"}`);
  const [positive, negative] = differingAt(places[0]!, positives, negatives);
  const optional = (name: string) => row.cells.get(name)?.trim() || undefined;
  const prompt = optional("prompt");
  const words = [...positive, ...negative, prompt ?? ""].join(" ");
  // Between woman and person both are right.
  if (/\bperson\b/i.test(words)) throw new Unusable("person", words);
  return {
    place: places[0]!,
    positive: { id: svoId(cell("pos_image_id")), triplet: positive },
    negative: { id: svoId(cell("neg_image_id")), triplet: negative },
    prompt,
    sentence: optional("sentence"),
  };
}

/** A picture's id: tables that had gaps once write whole numbers as `5.0`. */
export const svoId = (cell: string) => cell.trim().replace(/^(\d+)\.0$/, "$1");

function isSet(flag: string, value: string): boolean {
  if (["true", "1", "1.0"].includes(value.toLowerCase())) return true;
  if (["false", "0", "0.0", ""].includes(value.toLowerCase())) return false;
  throw new Unusable("broken row", `${flag} is ${JSON.stringify(value)}, neither True nor False`);
}

/** `girl,ride,horse`, or a list of such as Python writes it: `['girl,ride,horse', 'girl,pat,horse']`. */
function triplets(cell: string): Triplet[] {
  const listed = /^\[.*\]$/s.test(cell)
    ? Array.from(cell.matchAll(/'([^']*)'|"([^"]*)"/g), ([, single, double]) => single ?? double!)
    : [cell];
  const given = listed.filter((triplet) => triplet.replace(/[[\]\s,]/g, "") !== "");
  if (given.length === 0) throw new Unusable("empty triplet", JSON.stringify(cell));
  const whole = given
    .slice(0, MOST_TRIPLETS)
    .map((triplet) => triplet.split(",").map((word) => word.trim().toLowerCase()))
    .filter((words) => words.length === 3 && words.every(isWord));
  if (whole.length === 0) throw new Unusable("malformed triplet", `${JSON.stringify(cell)} is not subject,verb,object`);
  return whole as unknown as Triplet[];
}

/** One word or a few, without anything that a question would be broken by. */
const isWord = (text: string) => text.length <= 64 && /^[\p{L}\p{N}][\p{L}\p{M}\p{N}'’ .-]*$/u.test(text);

/** Of all their triplets two that differ at this place and nowhere else. */
function differingAt(
  place: Place,
  positives: readonly Triplet[],
  negatives: readonly Triplet[],
): readonly [Triplet, Triplet] {
  const at = PLACES.indexOf(place);
  const pairs = positives.flatMap((positive) => negatives.map((negative) => [positive, negative] as const));
  const differing = pairs.filter(([positive, negative]) => positive[at] !== negative[at]);
  const minimal = differing.find(([positive, negative]) =>
    positive.every((word, i) => i === at || word === negative[i]),
  );
  if (minimal) return minimal;
  const reason = differing.length > 0 ? "differs elsewhere too" : "does not differ";
  throw new Unusable(reason, `${pairs[0]!.join(" / ")} at the ${place}`);
}

/** A prompt with places for its two alternatives. */
interface SvoPrompt {
  readonly positiveFirst: boolean;
  readonly write: (first: string, second: string) => string;
}

/** @throws Unusable where the prompt does not name both alternatives as they are. */
export function svoPrompt(prompt: string, { place, positive, negative }: SvoPair): SvoPrompt {
  const at = PLACES.indexOf(place);
  const find = (word: string) => {
    const found = new RegExp(`(?<![\\p{L}\\p{N}])${word.replace(/[.]/g, "\\.")}(?![\\p{L}\\p{N}])`, "iu").exec(prompt);
    if (!found) throw new Unusable("prompt lacks an alternative", `${JSON.stringify(word)} is not in: ${prompt}`);
    return { start: found.index, end: found.index + found[0].length };
  };
  const [one, other] = [find(positive.triplet[at]!), find(negative.triplet[at]!)];
  const [first, second] = one.start < other.start ? [one, other] : [other, one];
  if (second.start < first.end) throw new Unusable("prompt lacks an alternative", `they overlap in: ${prompt}`);
  return {
    positiveFirst: first === one,
    write: (a, b) =>
      prompt.slice(0, first.start) + a + prompt.slice(first.end, second.start) + b + prompt.slice(second.end),
  };
}
