import { z } from "zod";
import { NoticeError } from "../base/errors.js";
import { complaintsOf } from "../base/json.js";

// Fields of config.json that several architectures have. The bounds keep a hostile file from asking for absurd shapes.

export const count = (fallback: number, most: number) => z.int().positive().max(most).default(fallback);

/** float32's least normal number bounds it: a smaller one is 0 on some backends, and so what it is added to. */
export const epsilon = (fallback: number) =>
  z
    .number()
    .min(2 ** -126)
    .max(1)
    .default(fallback);

/** What whoever made the checkpoint wants said wherever its heads are shown. */
export const note = z.string().max(500).optional();

/** @param model with its article: "a BLIP model". */
export function notTheConfig(file: string, model: string, error: Pick<z.ZodError, "issues">): NoticeError {
  const found = complaintsOf(error, "the file");
  return new NoticeError("checkpoint", `${file} is not the config of ${model}: ${found}.`);
}
