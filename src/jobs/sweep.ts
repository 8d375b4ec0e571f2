import { z } from "zod";
import type { PairInput } from "../patching/inputs.js";
import type { Scores } from "../patching/scores.js";
import { type SweepOptions, sweep } from "../patching/sweep.js";
import { inPicture } from "./image-position.js";
import { anObject, defineJob, pairInput, type Sendable, scores } from "./job.js";

/** A sweep's options. */
export type SweepAsked = Sendable<SweepOptions>;

/** A pair, and its sweeps. */
export interface SweepInput {
  readonly pair: PairInput;
  readonly sweeps: readonly SweepAsked[];
}

const input: z.ZodType<SweepInput> = z.object({ pair: pairInput, sweeps: z.array(anObject<SweepAsked>()) });

/** Every sweep of one pair, which share its two runs. */
export const sweepJob = defineJob<SweepInput, readonly Scores[]>(
  "sweep",
  input,
  z.array(scores),
  async (model, { pair, sweeps }, onProgress) => {
    using made = await model.pair(pair);
    const tables: Scores[] = [];
    for (const options of sweeps) {
      const placed = await inPicture(model, made, options, pair.image);
      tables.push(await sweep(made, { ...placed, onProgress }));
    }
    return tables;
  },
);
