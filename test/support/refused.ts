import * as assert from "uvu/assert";
import { NoticeError, type NoticeErrorCode } from "../../src/base/errors.js";

/** Asserts that a call ends in a NoticeError whose message has all of `parts`; returns the message. */
export async function refused(
  call: () => unknown,
  code: NoticeErrorCode,
  ...parts: (string | RegExp)[]
): Promise<string> {
  let error: unknown;
  try {
    await call();
  } catch (thrown) {
    error = thrown;
  }
  if (!(error instanceof NoticeError)) throw error ?? new Error(`nothing was thrown; expected ${parts.join(", ")}`);
  assert.is(error.code, code, error.message);
  for (const part of parts)
    assert.ok(
      typeof part === "string" ? error.message.includes(part) : part.test(error.message),
      `${part} is not in: ${error.message}`,
    );
  return error.message;
}
