import { checkOptions, NoticeError } from "./errors.js";
import { nearest } from "./nearest.js";

// What is mistyped never becomes a number: a key that nobody reads is refused, with the one that was meant.

/** What an object may hold that is given to a function. */
interface Shape {
  /** One as it may be written. */
  readonly such: string;
  readonly keys: readonly string[];
  /** Keys that belong into the next argument, such as `direction` beside a place. */
  readonly later?: readonly string[];
}

/** The keys of an interface: leaving one out, or one too many, does not type-check. */
export function keysOf<Given extends object>(keys: { readonly [key in keyof Required<Given>]: true }): string[] {
  return Object.keys(keys);
}

/** The keys of a table by name. */
export const namesOf = <Name extends string>(table: { readonly [name in Name]?: unknown }): Name[] =>
  Object.keys(table) as Name[];

/**
 * @param of in words, such as "the options of sweep" is made of "sweep".
 * @throws NoticeError `options` as `checkOptions`; for a promise that nobody awaited; for a key that there is not, with
 * the nearest.
 */
export function checkShape(of: string, given: unknown, { such, keys, later = [] }: Shape): void {
  checkOptions(of, given, such);
  for (const key of Object.keys(given as object)) {
    if (keys.includes(key) || (given as Record<string, unknown>)[key] === undefined) continue;
    const value = `${key}`.slice(0, 80);
    if (later.includes(key))
      throw new NoticeError(
        "options",
        `${value} is no part of the place, but an option of ${of}: give it in the next argument, { ${key}: … }.`,
      );
    const all = [...keys, ...later];
    throw new NoticeError(
      "options",
      `There is no option ${JSON.stringify(value)} of ${of}. Did you mean ${nearest(key, all)}? It takes ${keys.join(", ")}.`,
    );
  }
}
