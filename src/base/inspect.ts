/** What Node asks a value for the text that `console.log` prints of it. */
export const INSPECT: unique symbol = Symbol.for("nodejs.util.inspect.custom") as never;

/** Words of others without what a terminal would obey. */
export function printable(text: string): string {
  return text.replace(/\p{C}/gu, "\uFFFD");
}
