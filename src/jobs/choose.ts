import { z } from "zod";
import { answersOf } from "../patching/choices.js";
import type { Asked } from "../patching/inputs.js";
import { readAnswers } from "../patching/metrics.js";
import { asked, defineJob } from "./job.js";

/** A question, or the beginning of a caption, and two answers to it. */
export interface ChooseInput {
  readonly asked: Asked;
  readonly answers: readonly [string, string];
}

/** The answer that is the likelier of the two. */
export interface Chosen {
  readonly answer: string;
}

/** Which of two answers is the likelier, whatever else a model may say. */
export const chooseJob = defineJob<ChooseInput, Chosen>(
  "choose",
  z.object({ asked, answers: z.tuple([z.string(), z.string()]) }),
  z.object({ answer: z.string() }),
  async (model, { asked, answers }) => {
    const read = answersOf(model, answers);
    using run = await model.run(asked);
    const [reading] = await readAnswers(run.logits, read);
    return { answer: answers[reading!.logitDiff > 0 ? 0 : 1] };
  },
);
