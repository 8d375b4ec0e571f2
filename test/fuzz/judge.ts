import { NoticeError } from "../../src/base/errors.js";
import type { Outcome } from "./kind.js";

/**
 * What is counted.
 *
 * - `crash`: the process ended.
 * - `hang`: 5 s of computing, or a minute of waiting, and nothing came, twice.
 * - `memory`: a case took more than half a gigabyte, or a batch of them kept some.
 * - `rejection`: an error that is no NoticeError, or a NoticeError that nobody could read.
 * - `trace`: a stack trace at the command line.
 * - `wrong`: what was taken is not what it should be.
 */
export const FAULTS = ["crash", "hang", "memory", "rejection", "trace", "wrong"] as const;
export type Fault = (typeof FAULTS)[number];

/** What a case found. */
export interface Verdict {
  readonly fault: Fault;
  readonly message: string;
}

/** An error of this instrument: says which fault it is. */
export class Found extends Error {
  constructor(
    readonly fault: Fault,
    message: string,
  ) {
    super(message);
  }
}

/** Stack frames. */
export const TRACE = /^\s+at .*[:(]/m;

const LONGEST_MESSAGE = 4000;

/** Does a case and says what came of it. */
export async function judge(work: () => Promise<Outcome>): Promise<Outcome | Verdict> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Found) return { fault: error.fault, message: error.message };
    if (!(error instanceof NoticeError)) return { fault: "rejection", message: described(error) };
    const unreadable = unreadableMessage(error);
    return unreadable === undefined ? "refused" : { fault: "rejection", message: unreadable };
  }
}

function unreadableMessage({ code, message }: NoticeError): string | undefined {
  if (message.trim() === "") return `a NoticeError "${code}" without a message`;
  if (message.length > LONGEST_MESSAGE) return `a NoticeError "${code}" of ${message.length} characters`;
  return TRACE.test(message) ? `a NoticeError "${code}" with a stack trace: ${message}` : undefined;
}

/** An error with its first frames, or whatever was thrown. */
function described(error: unknown): string {
  if (!(error instanceof Error)) return `thrown: ${typeof error} ${Object.prototype.toString.call(error)}`;
  const frames = (error.stack ?? "").split("\n").filter((line) => TRACE.test(line));
  const own = frames.filter((frame) => !/node_modules|node:/.test(frame)).slice(0, 3);
  const where = (own.length > 0 ? own : frames.slice(0, 3)).map((frame) =>
    frame.trim().replace(/file:\/\/\S*\/(?=src|test)/, ""),
  );
  return `${error.name}: ${error.message.slice(0, 300)} [${where.join(" < ")}]`;
}
