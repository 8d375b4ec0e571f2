import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import type { AskResult } from "../patching/choices.js";
import type { Asked, ImageInput } from "../patching/inputs.js";
import { anObject, asked, defineJob, pictures } from "./job.js";

/** A question to ask. */
export interface AskInput {
  readonly asked: Asked;
  readonly top?: number;
}

/** One question, with the tokens that were likeliest at its answer's first position. */
export const askJob = defineJob<AskInput, AskResult>(
  "ask",
  z.object({ asked, top: z.number().optional() }),
  anObject<AskResult>(),
  (model, { asked, top }) => model.ask(asked, { top }),
);

/** Questions that are answered in one batch. */
export interface AnswersInput {
  readonly images: readonly ImageInput[];
  /** One a picture, all of equally many tokens. */
  readonly questions: readonly string[];
}

/** The answers to many short questions, generated together. */
export const answersJob = defineJob<AnswersInput, readonly string[]>(
  "answers",
  z.object({ images: pictures.min(1), questions: z.array(z.string()) }),
  z.array(z.string()),
  async (model, { images, questions }) => {
    const made: tf.Tensor4D[] = [];
    try {
      for (const image of images) made.push(await model.pixels(image));
      const batch = tf.concat(made); // [batch, height, width, 3]
      made.push(batch);
      return await model.answerBatch(batch, questions);
    } finally {
      tf.dispose(made);
    }
  },
);
