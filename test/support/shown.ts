import * as assert from "uvu/assert";

// What a page says that is printed, beside what is printed.

const NUMBER = String.raw`-?\d+(?:\.\d+)?(?:e-?\d+)?`;
/** A statement of one line, and a comment that is a word or begins with numbers. */
const LINE = new RegExp(String.raw`^(\s*)(.+;) // (${NUMBER}(?:,? ${NUMBER})*(?=$|[:;])|\w+$)`);
const MARK = "what is shown: ";
/** Backends add in other orders: float32 leaves no more digits that are the same on all. */
const SIGNIFICANT = 4;

/**
 * Whether words are equal, or numbers to the digits shown; the last may be one off. A whole number is equal or it is
 * not.
 */
export function sameAsShown(printed: string, shown: string): boolean {
  const [, decimals, exponent = "0"] = /^-?\d+\.(\d+)(?:e(-?\d+))?$/.exec(shown) ?? [];
  if (decimals === undefined) return printed === shown;
  const leading = Number(shown) === 0 ? 0 : Math.floor(Math.log10(Math.abs(Number(shown))));
  const places = Math.min(decimals.length - Number(exponent), SIGNIFICANT - 1 - leading);
  const inLast = (text: string) => Math.round(Number(text) * 10 ** places);
  return printed !== "" && Math.abs(inLast(printed) - inLast(shown)) <= 1;
}

/**
 * Code that also prints, for `checkShown`, what its comments say: `console.log(effect); // 0.18`, `const { effect } =
 * …; // 0.18: why`.
 */
export function printingShown(code: string): string {
  const lines = code.split("\n").map((line) => {
    const found = shownOf(line);
    return found
      ? `${line}\nconsole.log(${JSON.stringify(MARK)} + JSON.stringify([${found.values}].map(String)));`
      : line;
  });
  return lines.join("\n");
}

/** That the code printed what its comments say, in their order. */
export function checkShown(code: string, stdout: string): void {
  const printed = stdout.split("\n").filter((line) => line.startsWith(MARK));
  const shown = code.split("\n").flatMap((line) => shownOf(line)?.shown ?? []);
  assert.is(printed.length, shown.length, stdout);
  for (const [i, text] of shown.entries()) {
    const values = JSON.parse(printed[i]!.slice(MARK.length)) as string[];
    const words = text.split(/,? /);
    const same = words.length === values.length && words.every((word, at) => sameAsShown(values[at]!, word));
    assert.ok(same, `the page shows ${text}, ${values.join(" ")} is printed`);
  }
}

/** What a line's comment says, and the expressions that it says it of. */
function shownOf(line: string): { shown: string; values: string } | undefined {
  const [, , statement, shown] = LINE.exec(line) ?? [];
  if (statement === undefined || shown === undefined) return undefined;
  const logged = /^console\.log\((.*)\);$/.exec(statement)?.[1];
  if (logged !== undefined) return { shown, values: logged };
  if (!/\d/.test(shown)) return undefined;
  const declared = /^const (?:\{ ([\w, ]+) \}|(\w+)) = .*;$/.exec(statement);
  const values = declared ? (declared[1] ?? declared[2]!) : /^([\w.]+);$/.exec(statement)?.[1];
  assert.ok(values, `what is ${shown} of "${statement}"?`);
  return { shown, values };
}
