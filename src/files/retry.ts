import { setTimeout as sleep } from "node:timers/promises";
import { NoticeError } from "../errors.js";

/** How often to try again and how long to wait: `delayMs` doubles with each failure in a row, up to a minute. */
export interface Retry {
  readonly attempts: number;
  readonly delayMs: number;
}

export const PATIENT: Retry = { attempts: 6, delayMs: 500 };

const LONGEST_WAIT_MS = 60_000;

/** A failure that may pass: a broken or silent connection, 429, 5xx. `progressed` starts the count of attempts anew. */
export class TransientError extends Error {
  constructor(
    message: string,
    readonly waitMs = 0,
    readonly progressed = false,
  ) {
    super(message);
  }
}

/**
 * Run `action`, and again after a pause while it fails with a `TransientError`.
 * @throws NoticeError "network" after the last attempt; any other error at once.
 */
export async function withRetries<T>(action: () => Promise<T>, retry: Retry, signal?: AbortSignal): Promise<T> {
  for (let failures = 0; ; ) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      failures = error.progressed ? 1 : failures + 1;
      if (failures >= retry.attempts) {
        throw new NoticeError("network", `${error.message}; gave up after ${failures} attempts. Try again later`, {
          cause: error,
        });
      }
      const backOff = retry.delayMs * 2 ** (failures - 1) * (0.75 + Math.random() / 2);
      await sleep(Math.min(LONGEST_WAIT_MS, Math.max(backOff, error.waitMs)), undefined, { signal });
    }
  }
}
