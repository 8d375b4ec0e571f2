/**
 * Why a call was refused: `checkpoint` (config, weights, vocabulary), `image`, `tokens` (a question or an answer),
 * `site` (unknown site, layer, head or position), `options` (arguments that contradict each other), `memory`,
 * `backend`, `network`.
 */
export type NoticeErrorCode = "checkpoint" | "image" | "tokens" | "site" | "options" | "memory" | "backend" | "network";

/** Every error that this package throws on purpose. The message says what was given, what was expected, what to do. */
export class NoticeError extends Error {
  override readonly name = "NoticeError";

  constructor(
    readonly code: NoticeErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
