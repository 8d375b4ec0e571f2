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
 * Every error that this package throws, but for a signal's reason and what a caller's own callback throws. The message
 * says what was given, what was expected, what to do.
 */
export class NoticeError extends Error {
  override readonly name: string = "NoticeError";

  constructor(
    /** Why, for programs. */
    readonly code: NoticeErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(readable(message), options);
  }
}

/** Whether what computes is sound after an error: all but a backend that is lost. */
export const isRecoverable = (error: unknown): error is NoticeError =>
  error instanceof NoticeError && error.code !== "backend";

/** What nobody reads to its end: names and values come from files, and may be of any length. */
const LONGEST_MESSAGE = 4000;

/** Without the middle where it is too long: the beginning says what, the end what to do. */
function readable(message: string): string {
  if (message.length <= LONGEST_MESSAGE) return message;
  return `${message.slice(0, 1500)} … ${message.slice(-500)}`;
}

const DISJUNCTION = new Intl.ListFormat("en-GB", { type: "disjunction" });

/** "a, b or c", for what may be chosen. */
export const either = (names: readonly string[]): string => DISJUNCTION.format(names);

/** Options of one kind wherever they are given. */
const FIELDS: Readonly<Record<string, readonly [expected: string, holds: (value: unknown) => boolean]>> = {
  ...named(["memory", "seed", "steps", "screen", "randomSets", "top", "timeoutMs"], "a number", isNumber),
  ...named(["sites", "sizes"], "a list", Array.isArray),
  ...named(["onProgress", "warn"], "a function", (value) => typeof value === "function"),
  signal: ["an AbortSignal", (value) => typeof (value as AbortSignal | null)?.throwIfAborted === "function"],
};

function named(names: readonly string[], expected: string, holds: (value: unknown) => boolean) {
  return Object.fromEntries(names.map((name) => [name, [expected, holds] as const]));
}

function isNumber(value: unknown): boolean {
  return typeof value === "number";
}

/** @throws NoticeError `options` for a promise in the place of what it promises. */
export function checkAwaited(what: string, given: unknown): void {
  if (typeof (given as PromiseLike<unknown> | null | undefined)?.then === "function")
    throw new NoticeError("options", `${what} is a promise: write \`await\` before the call that makes it.`);
}

/** @throws NoticeError `options` where a function's options are no object, or a common one is of another kind. */
export function checkOptions(of: string, options: unknown, such = "{ signal }"): void {
  checkAwaited(`What is given to ${of}`, options);
  const rest = `give an object, such as ${such}, or leave out what may be left out.`;
  if (!isRecord(options)) throw new NoticeError("options", `The options of ${of} are ${kindOf(options)}; ${rest}`);
  checkFields(of, options);
}

/** @throws NoticeError `options` where what must be given is null, a promise, or no object. */
export function checkObject(what: string, given: unknown, such: string): void {
  checkAwaited(what, given);
  if (!isRecord(given))
    throw new NoticeError("options", `${what} is ${kindOf(given)}; give an object, such as ${such}.`);
}

/** @throws NoticeError `options` where what must be given is no array. */
export function checkList(what: string, given: unknown, such: string): void {
  if (!Array.isArray(given))
    throw new NoticeError("options", `${what} is ${kindOf(given)}; give an array, such as ${such}.`);
}

export const isRecord = (given: unknown): given is Readonly<Record<string, unknown>> =>
  typeof given === "object" && given !== null && !Array.isArray(given);

function kindOf(given: unknown): string {
  if (given === undefined || given === null) return given === null ? "null" : "missing";
  return Array.isArray(given) ? "an array" : `${typeof given === "object" ? "an" : "a"} ${typeof given}`;
}

function checkFields(of: string, options: object): void {
  for (const [name, value] of Object.entries(options)) {
    const [expected, holds] = Object.hasOwn(FIELDS, name) ? FIELDS[name]! : [];
    if (value === undefined || !holds || holds(value)) continue;
    const given = value === null ? "null" : Array.isArray(value) ? "a list" : `of type ${typeof value}`;
    throw new NoticeError("options", `The option ${name} of ${of} is ${given}; ${expected} was expected.`);
  }
}
