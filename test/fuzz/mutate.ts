import type { Random } from "../../src/base/random.js";

// Mutations that know no format: of text, JSON values, bytes and arguments.

export const HOSTILE: readonly string[] = [
  ...["", " ", "0", "-1", "1e999", "NaN", "null", "true", "[]", "['']", "['[]']", "[[[[", "{}"],
  ...["{{ first }}", "{% for x in y %}", "../1", "../1.jpg", "images/../../1.jpg", "/etc/passwd", "C:\\1.jpg"],
  ...["..\\1.jpg", "file:///1.jpg", "1\0", "\0", "\u202e", "\ud800", "\u001b[2J", "\u009b31m", "=1+1", "@SUM(A1)"],
  ...["__proto__", "constructor", "toString", "a,b,c", "a,,c", "a,b", "person,see,dog", ",", '"', '""', "'"],
  ...["\n", "\r\n", "\t", "\\", "x".repeat(5000), "[".repeat(5000), "'a,b,c',".repeat(300), "$(reboot)", "<script>"],
  ...["ß", "👩‍🚀", "a\u0301".repeat(100)],
];

export const NUMBERS: readonly number[] = [
  ...[0, -0, 1, -1, 2, 3, 7, 0.5, -1.5, 255, 256, 1e-9, 1e-46, 1e39, 1e300, -1e39],
  ...[2 ** 15, 2 ** 16, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 64],
];

/** A whole number in [low, high). */
export const whole = (choose: Random, low: number, high: number) => Math.floor(choose.between(low, high));

/** Any value that JSON has. */
export function anyJson(choose: Random, depth = 0): unknown {
  const kind = whole(choose, 0, depth < 3 ? 8 : 6);
  if (kind < 2) return choose.pick(HOSTILE);
  if (kind < 4) return choose.pick(NUMBERS);
  if (kind < 6) return choose.pick([null, true, false]);
  const many = Array.from({ length: whole(choose, 0, 4) }, () => anyJson(choose, depth + 1));
  return kind === 6 ? many : Object.fromEntries(many.map((inner) => [choose.pick(HOSTILE), inner]));
}

/** The value with one place in it, at any depth, replaced, removed, doubled or filled. */
export function mutateJson(choose: Random, value: unknown): unknown {
  if (typeof value !== "object" || value === null || choose.chance(0.08)) return changedLeaf(choose, value);
  const entries: [string, unknown][] = Object.entries(value);
  const at = whole(choose, 0, entries.length);
  const kind = whole(choose, 0, 10);
  if (entries.length === 0 || kind === 0) entries.push([choose.pick(HOSTILE), anyJson(choose)]);
  else if (kind === 1) entries.splice(at, 1);
  else if (kind === 2) entries.splice(at, 0, [`${entries[at]![0]} `, entries[at]![1]]);
  else if (kind === 3) entries[at] = [choose.pick(HOSTILE), entries[at]![1]];
  else entries[at] = [entries[at]![0], mutateJson(choose, entries[at]![1])];
  return Array.isArray(value) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries);
}

function changedLeaf(choose: Random, value: unknown): unknown {
  if (typeof value === "number" && choose.chance(0.7))
    return choose.pick([-value, value + 1, value - 1, value * 2, value / 2, value * 1e6, ...NUMBERS]);
  if (typeof value === "string" && choose.chance(0.5)) return mutateText(choose, value);
  return anyJson(choose);
}

/** JSON of a mutated value; now and then JSON that is none. */
export function mutatedJson(choose: Random, value: unknown, rounds = whole(choose, 1, 4)): string {
  let mutated = value;
  for (let round = 0; round < rounds; round++) mutated = mutateJson(choose, mutated);
  const text = JSON.stringify(mutated) ?? "undefined";
  if (choose.chance(0.9)) return text;
  // Depth that a recursive reader does not come back from, a name twice, text that is cut.
  return choose.pick([
    () => mutateText(choose, text),
    () => `${"[".repeat(100_000)}${text}`,
    () => text.replace("{", `{"__proto__":${text.length},`),
    () => text.replace(/"(\w+)":/, '"$1":1,"$1":'),
    () => `\ufeff${text}`,
  ])();
}

/** Text with a part of it cut, doubled or replaced. */
export function mutateText(choose: Random, text: string): string {
  const [from, to] = [whole(choose, 0, text.length + 1), whole(choose, 0, text.length + 1)].sort((a, b) => a - b);
  const [head, part, tail] = [text.slice(0, from), text.slice(from, to), text.slice(to)];
  return choose.pick([
    head,
    head + tail,
    head + part + part + tail,
    head + choose.pick(HOSTILE) + tail,
    head + choose.pick(HOSTILE) + part + tail,
    [...text].reverse().join(""),
  ]);
}

/** Bytes with bits turned, a part cut, doubled, moved or filled. */
export function mutateBytes(choose: Random, bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  const [from, to] = [whole(choose, 0, copy.length + 1), whole(choose, 0, copy.length + 1)].sort((a, b) => a - b);
  const [head, part, tail] = [copy.subarray(0, from), copy.subarray(from, to), copy.subarray(to)];
  const kind = whole(choose, 0, 10);
  if (kind < 4) {
    for (let i = whole(choose, 1, 12); i > 0; i--) copy[whole(choose, 0, copy.length)]! ^= 1 << whole(choose, 0, 8);
    return copy;
  }
  if (kind === 4) return part.fill(choose.pick([0, 255, 0x7f])) && copy;
  if (kind === 5) return joined(head);
  if (kind === 6) return joined(head, tail);
  if (kind === 7) return joined(head, part, part, tail);
  if (kind === 8)
    return joined(
      head,
      Uint8Array.from({ length: whole(choose, 1, 40) }, () => choose.between(0, 256)),
      tail,
    );
  return joined(tail, part, head);
}

export const joined = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

/** A small share of the bytes of a large file is what it is read by: mutates there. */
export function mutateStart(choose: Random, bytes: Uint8Array, length: number): Uint8Array {
  return joined(mutateBytes(choose, bytes.subarray(0, length)), bytes.subarray(length));
}

/** What JavaScript may hand over where something else is expected. */
export function anyValue(choose: Random): unknown {
  return choose.pick<() => unknown>([
    () => undefined,
    () => null,
    () => choose.pick([...NUMBERS, Number.NaN, Number.POSITIVE_INFINITY]),
    () => choose.pick(HOSTILE),
    () => anyJson(choose),
    () => [],
    () => ({}),
    () => () => undefined,
    () => new Uint8Array(3),
    () => new Date(0),
    () => choose.chance(0.5),
  ])();
}
