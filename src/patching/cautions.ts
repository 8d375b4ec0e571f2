import { pieceText } from "../words/piece-text.js";
import { likeliest, type Speaker } from "./choices.js";
import { type Answer, measure, rank } from "./metrics.js";
import type { Pair } from "./pair.js";
import type { Question } from "./positions.js";

// What is computed all the same, and hardly means what somebody expects.

/** So many of one kind are told: a list of pairs may have thousands. */
const MOST = 10;

/** Tells of each matter once, and of a few matters of each kind. */
export class Cautions {
  readonly #told = new Map<string, Set<string>>();

  constructor(private readonly warn: (message: string) => void) {}

  tell(kind: string, message: string): void {
    const told = this.#told.get(kind) ?? new Set();
    this.#told.set(kind, told);
    if (told.has(message) || told.size >= MOST) return;
    told.add(message);
    this.warn(told.size < MOST ? message : `${message} No more warnings of this kind are given.`);
  }

  /** Of a question that says nothing, or little that the model knows. */
  ofQuestion({ tokenizer, architecture }: Speaker, text: string | undefined, { ids, question }: Question): void {
    if (text === undefined || text.trim() === "") {
      if (!architecture.intake.optional) this.tell("empty", "The question is empty; the model answers all the same.");
      return;
    }
    const { unk, cls, sep } = tokenizer.special ?? {};
    const pieces = (question?.map((at) => ids[at]) ?? ids).filter((id) => id !== cls && id !== sep);
    const unknown = pieces.filter((id) => id === unk).length;
    if (2 * unknown > pieces.length)
      this.tell(
        "unknown",
        `Of the question ${JSON.stringify(text)} the model knows only ${pieces.length - unknown} of ${pieces.length} ` +
          "word pieces; the others are unknown to its vocabulary.",
      );
  }

  /** Of answers that are read by a part, and of runs that do not differ in what they say. */
  async ofPair(model: Speaker, text: string | undefined, { answers, clean, readings, question }: Pair): Promise<void> {
    for (const answer of [answers.correct, answers.incorrect])
      if (!isWhole(model, answer))
        this.tell(
          "first piece",
          `The answer ${JSON.stringify(answer.text)} is read by its first word piece alone, ${JSON.stringify(pieceText(answer.token))}.`,
        );
    const asked = JSON.stringify(text ?? "");
    const said = ({ token }: { readonly token: string }) => JSON.stringify(pieceText(token));
    const { correct, incorrect } = answers;
    const [clear, left] = [readings.clean.logitDiff, readings.corrupted.logitDiff];
    if (left > 0 && 2 * left > clear && clear > 0)
      this.tell(
        "same answer",
        `The corrupted run prefers the correct answer too: asked ${asked}, the model says ${said(correct)} before ` +
          `${said(incorrect)} both times. An effect is a share of how far apart the two are, and may say little.${inPieces(question)}`,
      );
    const [found] = await measure(clean.logits, { rank: rank(correct) });
    if (found!.rank === 0) return;
    const [first] = await likeliest(model, clean.logits, 1);
    this.tell(
      "clean answer",
      `The clean run does not give the correct answer: asked ${asked}, the model says ${said(first!)} before ` +
        `${said(correct)}. A patch cannot bring back what it does not say.${inPieces(question)}`,
    );
  }
}

/** Words that the vocabulary has only in pieces: a small model may not know what they mean. */
function inPieces({ tokens }: Question): string {
  const words: string[][] = [];
  for (const token of tokens)
    if (token.startsWith("##")) words.at(-1)?.push(token);
    else words.push([token]);
  const split = words.filter((pieces) => pieces.length > 1).map((pieces) => pieces.join(" "));
  return split.length === 0
    ? ""
    : ` The question has words in pieces, which the model may not know: ${split.join(", ")}.`;
}

/** Whether an answer is no longer than the token that it is read by. */
function isWhole({ architecture, reader, tokenizer }: Speaker, { text, id }: Answer): boolean {
  if (architecture.readout.classes) return true;
  if (!reader) return tokenizer.encode(text).ids.length === 3;
  return tokenizer.decode([id]).trim().toLowerCase() === text.trim().toLowerCase();
}
