import type { Form } from "../src/data/sample.js";

/** What the page calls the text that a model is given, and its answers. */
export interface FormWords {
  /** What the model does. */
  readonly does: string;
  readonly text: string;
  readonly right: string;
  readonly wrong: string;
  /** How it is given: "asked", before the text. */
  readonly given: string;
}

export const FORM_WORDS: Readonly<Record<Form, FormWords>> = {
  question: {
    does: "answers a question about a picture",
    ...{ text: "Question", right: "Right answer", wrong: "The other", given: "asked" },
  },
  match: {
    does: "says whether a sentence is true of a picture",
    ...{ text: "Sentence", right: "Right answer", wrong: "The other", given: "asked whether this is true:" },
  },
  caption: {
    does: "goes on with the beginning of a sentence about a picture",
    ...{ text: "Beginning of a sentence", right: "Right next word", wrong: "The other", given: "given" },
  },
};
