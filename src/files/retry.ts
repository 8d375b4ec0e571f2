import { setTimeout as timer } from "node:timers/promises";
import { NoticeError } from "../base/errors.js";

/** How often to try again and how long to wait: `delayMs` doubles with each failure in a row, up to a minute. */
export interface Retry {
  readonly attempts: number;
  readonly delayMs: number;
  /**
   * What a server may ask to wait, all pauses in a row together; one that asks for more is given up. Default: 5
   * minutes.
   */
  readonly longestMs?: number;
  /** Waits. Default: a timer. */
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** Waits. @throws the signal's reason */
export const pause = (ms: number, signal?: AbortSignal): Promise<void> => timer(ms, undefined, { signal });

/** For how long, and for what. */
export interface Waiting {
  readonly signal?: AbortSignal;
  /** Told of every wait of more than `quietMs` (default: 2 s), in words. */
  readonly onWait?: (message: string) => void;
  readonly quietMs?: number;
}

export const PATIENT: Retry = { attempts: 6, delayMs: 500 };
export const QUIET_MS = 2000;

const LONGEST_BACK_OFF_MS = 60_000;
const LONGEST_ASKED_MS = 300_000;

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
 * @throws NoticeError "network" after the last attempt, or where the server asks to wait for too long; any other error
 * at once.
 */
export async function withRetries<T>(action: () => Promise<T>, retry: Retry, waiting: Waiting = {}): Promise<T> {
  const { longestMs = LONGEST_ASKED_MS, sleep = pause } = retry;
  const { onWait, quietMs = QUIET_MS, signal } = waiting;
  let [failures, asked] = [0, 0];
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      if (error.progressed) [failures, asked] = [0, 0];
      failures++;
      asked += error.waitMs;
      const giveUp = (why: string) =>
        new NoticeError("network", `${error.message}; gave up ${why}. Try again later`, { cause: error });
      if (failures >= retry.attempts) throw giveUp(`after ${failures} attempts`);
      if (asked > longestMs) throw giveUp(`since it asks to wait ${seconds(error.waitMs)}`);
      const backOff = retry.delayMs * 2 ** (failures - 1) * (0.75 + Math.random() / 2);
      const ms = Math.max(Math.min(LONGEST_BACK_OFF_MS, backOff), error.waitMs);
      if (ms > quietMs) onWait?.(`${error.message}; trying again in ${seconds(ms)}`);
      await sleep(ms, signal);
    }
  }
}

const seconds = (ms: number) => `${Math.round(ms / 1000)} s`;
