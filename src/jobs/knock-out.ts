import { z } from "zod";
import type { ImageInput, PairInput } from "../patching/inputs.js";
import { type Cut, sweepKnockOut } from "../patching/knock-out.js";
import type { Model } from "../patching/model.js";
import { type RandomTargets, sweepControlled } from "../patching/nulls.js";
import type { Pair } from "../patching/pair.js";
import type { Scores } from "../patching/scores.js";
import { parseSite } from "../patching/sites.js";
import { inPicture } from "./image-position.js";
import { anObject, defineJob, type OnPass, pairInput, scores } from "./job.js";

/** What of the attention is cut, and in how many layers together (default: 1). */
export interface KnockOutAsked extends RandomTargets {
  readonly cut: Omit<Cut, "layers">;
  readonly window?: number;
  /** Beside so many cuts to random tokens. Default: none. */
  readonly randomSets?: number;
}

/** A pair, and what is cut in it. */
export interface KnockOutInput extends KnockOutAsked {
  readonly pair: PairInput;
}

const input: z.ZodType<KnockOutInput> = z.object({
  pair: pairInput,
  cut: anObject<KnockOutAsked["cut"]>(),
  window: z.number().optional(),
  randomSets: z.number().optional(),
  seed: z.number().optional(),
});

/** Cuts attention around each layer in turn. `to` may be `box:10,20,64,64` or `mask:FILE`. */
export const knockOutJob = defineJob<KnockOutInput, Scores>(
  "knockOut",
  input,
  scores,
  async (model, { pair, ...asked }, onPass) => {
    using made = await model.pair(pair);
    return await knockOutIn(model, made, pair.image, asked, onPass);
  },
);

/** The same of a pair that is made already, whose clean picture is `image`. */
export async function knockOutIn(
  model: Model,
  pair: Pair,
  image: ImageInput,
  { cut, window, randomSets = 0, seed }: KnockOutAsked,
  onProgress?: OnPass,
): Promise<Scores> {
  // Those attended to are tokens of the tower that keys are of.
  const { site } = parseSite(model, cut.site);
  const keys = { site: site.replace(/pattern$/, "k"), position: cut.to };
  const { position: to } = await inPicture(model, pair, keys, image);
  const options = { window, onProgress };
  if (randomSets === 0) return await sweepKnockOut(pair, { ...cut, to }, options);
  return await sweepControlled(pair, { ...cut, to }, { ...options, randomSets, seed });
}
