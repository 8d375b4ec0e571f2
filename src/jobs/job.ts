import { z } from "zod";
import { isRecord, NoticeError } from "../base/errors.js";
import { complaintsOf } from "../base/json.js";
import type { ImageInput, PairInput } from "../patching/inputs.js";
import type { Answers, Reading } from "../patching/metrics.js";
import type { Model } from "../patching/model.js";
import type { Mode, Pair } from "../patching/pair.js";
import { Scores, type ScoresJson } from "../patching/scores.js";

/** Called between two passes; what it throws ends the job. */
export type OnPass = () => void;

/** One thing that can be asked of a model. */
export interface Job<Input, Output> {
  /** @throws NoticeError as the functions of `patching` that it calls. */
  perform(model: Model, input: Input, onPass?: OnPass): Promise<Output>;
  /**
   * Performs what came from elsewhere.
   *
   * @returns the output in plain data, which can be sent on.
   * @throws NoticeError `options` where it is no input of this job; as `perform`
   */
  performSent(model: Model, sent: unknown, onPass?: OnPass): Promise<unknown>;
  /** An output in plain data. */
  send(output: Output): unknown;
  /** The output that `send` made plain. */
  receive(sent: unknown): Output;
}

/**
 * Defines a job by the schemas of its input (plain data: pictures as paths, bytes or pixels) and its output (in its
 * sent form and in the form that callers get).
 */
export function defineJob<Input, Output>(
  name: string,
  input: z.ZodType<Input>,
  output: z.ZodType<Output>,
  perform: Job<Input, Output>["perform"],
): Job<Input, Output> {
  const send = (found: Output) => z.encode(output, found);
  return {
    perform,
    send,
    async performSent(model, sent, onPass) {
      const parsed = input.safeParse(sent, { reportInput: true });
      if (!parsed.success) {
        const found = complaintsOf(parsed.error, "in all");
        throw new NoticeError("options", `That is no input of the job ${name}: ${found}.`);
      }
      return send(await perform(model, parsed.data, onPass));
    },
    receive: (sent) => z.decode(output, sent),
  };
}

/** Options but for what cannot be sent: functions, so that a sweep of a job has the four metrics. */
export type Sendable<Options> = Options & {
  readonly onProgress?: undefined;
  readonly signal?: undefined;
  readonly source?: undefined;
  readonly metrics?: undefined;
};

/** An object whose fields are checked by the function that takes it. */
export const anObject = <Value>() => z.custom<Value>(isRecord, "an object was expected");

/** A list whose items are checked by the function that takes it. */
export const aList = <Item>() => z.custom<readonly Item[]>(Array.isArray, "a list was expected");

const picture = z.custom<ImageInput>((value) => typeof value === "string" || isRecord(value), "a picture was expected");

/** A picture and a question, which captions may do without. */
export const asked = z.object({ image: picture, question: z.string().optional() });

export const pictures = z.array(picture);

/** A pair. That exactly one of its sides is corrupted is checked where it is made. */
export const pairInput: z.ZodType<PairInput> = asked.extend({
  answers: z.tuple([z.string(), z.string()]).optional(),
  at: z.number().optional(),
  answerPlace: z.string().optional(),
  corruptImage: z.custom<PairInput["corruptImage"]>().optional(),
  corruptQuestion: z.string().optional(),
}) as z.ZodType<PairInput>;

/** A table of scores. */
export const scores = z.codec(anObject<ScoresJson>(), z.instanceof(Scores), {
  decode: Scores.from,
  encode: (table) => table.toJSON(),
});

/** What a pair's result is about. */
export interface PairFacts {
  readonly mode: Mode;
  readonly answers: Answers;
  readonly clean: Reading;
  readonly corrupted: Reading;
}

/** What the result of a pair is about. */
export const factsOf = ({ mode, answers, readings }: Pair): PairFacts => ({ mode, answers, ...readings });
