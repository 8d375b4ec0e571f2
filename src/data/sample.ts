/** How a sample is put to a model. */
export const FORMS = ["question", "match", "caption"] as const;
/**
 * `question`: which of two alternatives is so. `match`: whether a sentence is true of a picture. `caption`: how the
 * beginning of a sentence goes on.
 */
export type Form = (typeof FORMS)[number];

/** Whether a model says what is right, whatever its case. */
export const isRight = (answer: string, right: string) => plain(answer) === plain(right);

const plain = (answer: string) => answer.trim().toLowerCase();

/** A question about a picture of a data set, with what replaces the one and the other when they are corrupted. */
export interface Sample {
  /** Unique within its data set, the same for equal data and seed. Letters, digits, `-`, `_`, `.`. */
  readonly id: string;
  /** `svo-probes`, `mit-states`, `faces`, `attributes`, …: what a circuit is computed over. */
  readonly dataset: string;
  /** What `select` balances within a data set: an aspect, an emotion, a group of states. */
  readonly group: string;
  /** Path of the picture. */
  readonly image: string;
  /** A question; a sentence to match; a beginning of a caption. */
  readonly question: string;
  /** Which token of it `answer` means, where no answer stands in it: a word's, or `last`. */
  readonly answerPlace?: string;
  /** Correct and incorrect. */
  readonly answers: readonly [string, string];
  /** Semantic image pair: a picture of which the incorrect answer is true. */
  readonly corruptImage?: string;
  /** Symmetric token replacement: the question with other alternatives, of as many tokens. */
  readonly corruptQuestion?: string;
  /** Path of the mask (a grey PNG of the picture's size, 255 inside) of the object that the question asks about. */
  readonly mask?: string;
}

/** Something in the data that became no sample, and why. */
export interface Exclusion {
  readonly dataset: string;
  /** Where it stands: `svo_probes.csv row 12`, a file. */
  readonly source: string;
  /** What excluded it, in the words by which the report counts: `missing image`, `empty triplet`, … */
  readonly reason: string;
  readonly detail: string;
}

/** What a data set yields for each thing in it. */
export type Prepared =
  | { readonly sample: Sample; readonly excluded?: undefined }
  | { readonly sample?: undefined; readonly excluded: Exclusion };

/** What preparing needs to know of the model, and what is chosen by whoever prepares. */
export interface PrepareContext {
  /**
   * Word pieces of a word or question, [CLS] and [SEP] not counted. @throws NoticeError `tokens` where it has none or
   * too many.
   */
  readonly pieces: (text: string) => number;
  /** All random choices follow from it and the sample's own keys, not from the order of reading. */
  readonly seed: number;
  /** How samples are put. Default: as questions. */
  readonly as?: Form;
  /** A Jinja template that makes the question (or the sentence) instead of the data set's own. */
  readonly template?: string;
}

/** Reads a data set. @throws NoticeError `options` where its folder or index file is missing or of another kind. */
export type Dataset = (folder: string, context: PrepareContext) => AsyncGenerator<Prepared, void, undefined>;
