import { NoticeError } from "../base/errors.js";
import type { Exclusion, Prepared, Sample } from "./sample.js";

/** Thrown within this folder: a thing in the data becomes no sample, for a reason that exclusions are counted by. */
export class Unusable extends Error {
  constructor(
    readonly reason: string,
    /** Quotes the data, so that it is cut. */
    detail: string,
  ) {
    super(detail.slice(0, 300));
  }
}

/**
 * The samples that `make` makes of one thing, or why it makes none. A question that the model or its template refuses
 * is unusable.
 */
export async function prepared(
  where: Pick<Exclusion, "dataset" | "source">,
  make: () => readonly Sample[] | Promise<readonly Sample[]>,
): Promise<Prepared[]> {
  try {
    return (await make()).map((sample) => ({ sample }));
  } catch (error) {
    if (error instanceof Unusable) return [{ excluded: { ...where, reason: error.reason, detail: error.message } }];
    if (!(error instanceof NoticeError)) throw error;
    return [{ excluded: { ...where, reason: "unusable question", detail: error.message } }];
  }
}
