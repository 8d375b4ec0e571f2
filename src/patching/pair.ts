import * as tf from "@tensorflow/tfjs-core";
import { checkAwaited, NoticeError } from "../base/errors.js";
import { INSPECT } from "../base/inspect.js";
import type { Network } from "../model/architecture.js";
import type { ArchitectureName } from "../model/architectures.js";
import { type Activations, forward, type Patches } from "../model/pass.js";
import { pairFacts } from "./facts.js";
import type { ImageInput } from "./inputs.js";
import { type Answers, type MeasuredReading, type Reading, readAnswers } from "./metrics.js";
import { placeOf, type Question } from "./positions.js";
import { Run } from "./run.js";

/** `image`: semantic image pairs, the picture differs. `text`: symmetric token replacement, the question differs. */
export type Mode = "image" | "text";

/** `denoise`: clean values into the corrupted pass, as NOTICE does. `noise`: corrupted values into the clean pass. */
export type Direction = "denoise" | "noise";

/** A clean pass and a corrupted one that differ in one modality, with what both say of the two answers. */
export class Pair<A extends ArchitectureName = ArchitectureName> {
  /** What both passes are of. */
  readonly model: Network;
  /** Names the checkpoint in results. */
  readonly modelName: string;
  /** Which modality is corrupted. */
  readonly mode: Mode;
  /** The clean picture as it was given; none where the pair was made of pixels. */
  readonly image: ImageInput | undefined;
  /** The clean one. */
  readonly question: Question;
  /** The alternatives. */
  readonly answers: Answers;
  /** The pass over the clean inputs. */
  readonly clean: Run<A>;
  /** The pass of which one input is corrupted. */
  readonly corrupted: Run<A>;
  /** What each says of the answers. */
  readonly readings: { readonly clean: MeasuredReading; readonly corrupted: MeasuredReading };

  private constructor(
    parts: Omit<Pair<A>, "answerToken" | "incorrectToken" | "sides" | typeof INSPECT | typeof Symbol.dispose>,
  ) {
    ({
      model: this.model,
      modelName: this.modelName,
      mode: this.mode,
      image: this.image,
      question: this.question,
      answers: this.answers,
      clean: this.clean,
      corrupted: this.corrupted,
      readings: this.readings,
    } = parts);
  }

  /**
   * Runs both passes; `Model.pair` prepares their inputs. Exactly one of `corruptPixels` and `corruptQuestion` is
   * given.
   *
   * @param inputs.pixels normalised, [1, height, width, 3]; they stay the caller's.
   * @throws NoticeError `options` where not exactly one modality is corrupted, `tokens` where the questions have
   * different lengths (padding would be attended to) or both answers begin with one piece.
   */
  static async of(
    model: Network,
    inputs: {
      readonly modelName: string;
      readonly image?: ImageInput;
      readonly pixels: tf.Tensor;
      readonly corruptPixels?: tf.Tensor;
      readonly question: Question;
      readonly corruptQuestion?: Question;
      readonly answers: Answers;
    },
  ): Promise<Pair> {
    const { modelName, image, pixels, corruptPixels, question, corruptQuestion, answers } = inputs;
    if ((corruptPixels === undefined) === (corruptQuestion === undefined))
      throw new NoticeError("options", "Corrupt exactly one of the two: give a corrupt image or a corrupt question.");
    if (corruptQuestion) checkLengths(question, corruptQuestion);
    if (answers.correct.id === answers.incorrect.id)
      throw new NoticeError(
        "tokens",
        `The answers ${JSON.stringify(answers.correct.text)} and ${JSON.stringify(answers.incorrect.text)} both begin with the ` +
          `word piece ${JSON.stringify(answers.correct.token)}, which is where an answer is read. Choose answers that differ there.`,
      );
    const clean = await newRun(model, { pixels, question });
    let corrupted: Run | undefined;
    try {
      const corrupt = { pixels: corruptPixels, question: corruptQuestion ?? question };
      corrupted = await newRun(model, corrupt, clean.activations);
      const read = async (run: Run) => (await readAnswers(run.logits, answers))[0]!;
      const readings = { clean: await read(clean), corrupted: await read(corrupted) };
      const mode = corruptPixels ? "image" : "text";
      return new Pair({ model, modelName, mode, image, question, answers, clean, corrupted, readings });
    } catch (error) {
      clean[Symbol.dispose]();
      corrupted?.[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Where the correct answer's first piece stands in the question, if it does, and it is clear which place is meant; or
   * the `answerPlace` that was given.
   */
  get answerToken(): number | undefined {
    const { correct, incorrect } = this.answers;
    return placeOf(this.question, correct.text, incorrect.text);
  }

  /** Where the incorrect answer's stands. With an `answerPlace` there is none. */
  get incorrectToken(): number | undefined {
    const { correct, incorrect } = this.answers;
    if (this.question.answerPlace !== undefined) return undefined;
    return placeOf(this.question, incorrect.text, correct.text);
  }

  /** The run to be patched and the run that the values come from. */
  sides(direction: Direction): { base: Run; source: Run; baseReading: Reading; sourceReading: Reading } {
    if (direction !== "denoise" && direction !== "noise")
      throw new NoticeError(
        "options",
        `There is no direction ${JSON.stringify(direction)}; give "denoise" (clean values into the corrupted pass) or "noise".`,
      );
    const { clean, corrupted, readings } = this;
    return direction === "denoise"
      ? { base: corrupted, source: clean, baseReading: readings.corrupted, sourceReading: readings.clean }
      : { base: clean, source: corrupted, baseReading: readings.clean, sourceReading: readings.corrupted };
  }

  /** For `console.log`: what is asked, and what both passes say. */
  [INSPECT](): string {
    return pairFacts(this);
  }

  /** Frees both runs. */
  [Symbol.dispose](): void {
    this.clean[Symbol.dispose]();
    this.corrupted[Symbol.dispose]();
  }
}

/** A pair that nobody awaited, or something else. @throws NoticeError `options` */
export function checkPair(pair: Pair): void {
  checkAwaited("The pair", pair);
  if (typeof pair?.sides === "function") return;
  const made = "make one by `await blip.pair({ image, corruptImage, … })`";
  if (Array.isArray(pair))
    throw new NoticeError(
      "options",
      `That is a list of ${pair.length}, and one pair was expected: take one of them, such as pair[0]; of inputs, ${made}.`,
    );
  const isInput = typeof (pair as Partial<Pair> | undefined)?.question === "string";
  throw new NoticeError(
    "options",
    isInput ? `That is what a pair is made of, and no pair yet; ${made}.` : `That is no pair; ${made}.`,
  );
}

/**
 * One pass over one picture and one question. The caller disposes of it.
 *
 * @param known a pass that has seen the picture, where no pixels are given. @param patches of its values.
 */
export function newRun(
  model: Network,
  { pixels, question }: { readonly pixels?: tf.Tensor; readonly question: Question },
  known?: Activations,
  patches?: Patches,
): Promise<Run> {
  return Run.of(model, () => {
    const ids = tf.tensor2d([[...question.ids]], undefined, "int32");
    return forward(model, { pixels, ids, places: question.image }, known, patches);
  });
}

function checkLengths(clean: Question, corrupt: Question): void {
  if (clean.ids.length !== corrupt.ids.length)
    throw new NoticeError(
      "tokens",
      "Clean and corrupt question must have the same number of tokens, so that every position keeps its meaning: " +
        `${clean.ids.length} in ${JSON.stringify(clean.tokens.join(" "))}, ${corrupt.ids.length} in ` +
        `${JSON.stringify(corrupt.tokens.join(" "))}. Replace words by words of as many word pieces.`,
    );
}
