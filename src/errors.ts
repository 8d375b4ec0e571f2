/**
 * Why a call was refused.
 *
 * - `checkpoint`: config, weights or vocabulary are missing, damaged or of another model; a pass overflowed.
 * - `image`: a picture is missing, damaged, or of another kind or size.
 * - `tokens`: a question, a word or an answer is not a text of the model's vocabulary, or of another length.
 * - `site`: there is no such site, layer, head or position.
 * - `options`: arguments are missing, contradict each other, or are no such thing; a file cannot be written.
 * - `memory`: it would not fit.
 * - `backend`: nothing computes here.
 * - `network`: the hub cannot be reached, or answers otherwise than it should.
 * - `worker`: a process of a pool died.
 * - `disposed`: what is used was disposed of before.
 */
export type NoticeErrorCode =
  | "checkpoint"
  | "image"
  | "tokens"
  | "site"
  | "options"
  | "memory"
  | "backend"
  | "network"
  | "worker"
  | "disposed";

/**
 * Every error that this package throws, but for a signal's reason and what a caller's own callback throws. The message says what
 * was given, what was expected, what to do.
 */
export class NoticeError extends Error {
  override readonly name: string = "NoticeError";

  constructor(
    /** Why, for programs. */
    readonly code: NoticeErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** @throws NoticeError `options` where a function's options are null, or no object. */
export function checkOptions(of: string, options: unknown): void {
  if (typeof options === "object" && options !== null && !Array.isArray(options)) return;
  const given = options === null ? "null" : Array.isArray(options) ? "an array" : `a ${typeof options}`;
  const said = `The options of ${of} are ${options === undefined ? "missing" : given}`;
  throw new NoticeError("options", `${said}; give an object, such as { signal }, or leave out what may be left out.`);
}
