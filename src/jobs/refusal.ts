import { NoticeError, type NoticeErrorCode } from "../base/errors.js";

/** Codes of errors that say something of a picture, a question or its answers. */
const IN_THE_PAIR: readonly NoticeErrorCode[] = ["image", "tokens", "options", "site"];

/** Whether an error lies in the pair, so that the next one may do well. */
export const isOfThePair = (error: unknown): error is NoticeError =>
  error instanceof NoticeError && IN_THE_PAIR.includes(error.code);

/** What of an error lies in the pair. @throws the error, where it does not. */
export function refusal(error: unknown): { readonly refused: string } {
  if (isOfThePair(error)) return { refused: error.message };
  throw error;
}
