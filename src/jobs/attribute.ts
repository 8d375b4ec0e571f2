import { z } from "zod";
import { attribute, type SiteAttribution } from "../patching/attribute.js";
import type { PairInput } from "../patching/inputs.js";
import type { Scores } from "../patching/scores.js";
import { inPicture } from "./image-position.js";
import { anObject, defineJob, pairInput, type Sendable, scores } from "./job.js";

/** An attribution's options. */
export type AttributeAsked = Sendable<SiteAttribution>;

/** A pair, and what of it is attributed. */
export interface AttributeInput {
  readonly pair: PairInput;
  readonly attribution: AttributeAsked;
}

/** What gradients expect of every patch of a site. */
export const attributeJob = defineJob<AttributeInput, Scores>(
  "attribute",
  z.object({ pair: pairInput, attribution: anObject<AttributeAsked>() }),
  scores,
  async (model, { pair, attribution }, onProgress) => {
    using made = await model.pair(pair);
    const placed = await inPicture(model, made, attribution, pair.image);
    return await attribute(made, { ...placed, onProgress });
  },
);
