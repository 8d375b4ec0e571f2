import { stripVTControlCharacters } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { gridText } from "../../src/display/grid.js";
import type { HeadMap } from "../../src/page/map.js";
import { refused } from "../support/refused.js";

const map = (values: (number | null)[][], more: Partial<HeadMap> = {}): HeadMap => ({
  values,
  title: "a map",
  legend: "effect",
  rows: { title: "layer" },
  columns: { title: "head" },
  ...more,
});
const colour = { columns: 80, colours: 16_777_216 } as const;

test("plain numbers in columns", () => {
  const text = gridText(
    map([
      [0.8312, -0.124],
      [null, 0],
    ]),
  );
  assert.is(
    text,
    ["layer      0      1", "    0   0.83  -0.12", "    1      ×      0", "", "head across; effect"].join("\n"),
  );
});

test("the ends are ColorBrewer's red and blue, 0 nearly white, a missing score grey", () => {
  const cells = [
    ...gridText(map([[1, -1, 0, null]]), colour)
      .split("\n")[1]!
      .matchAll(/48;2;(\d+;\d+;\d+)m/g),
  ];
  assert.equal(
    cells.map(([, background]) => background),
    ["33;102;172", "178;24;43", "247;247;247", "196;196;196"],
  );
});

test("the extent given is where the colours end", () => {
  const [, background] = /48;2;([\d;]+)m/.exec(gridText(map([[1]], { extent: 2 }), colour))!;
  assert.is(background, [(247 + 33) / 2, (247 + 102) / 2, (247 + 172) / 2].map(Math.round).join(";"));
});

test("no line is wider than the terminal, whatever the map", () => {
  for (const columns of [20, 40, 80])
    for (const count of [1, 12, 24, 65, 577])
      for (const colours of [0, 256] as const) {
        const values = [0, 1, 2].map((row) => Array.from({ length: count }, (_, i) => (row - 1) * (i + 1) * 0.0123));
        const text = gridText(map(values, { legend: "e" }), { columns, colours });
        const lines = stripVTControlCharacters(text).split("\n");
        const grid = lines.filter((line) => /^\s*(layer|[012] )/.test(line));
        assert.ok(grid.length >= 4);
        for (const line of grid) assert.ok(line.length <= columns, `${line.length} of ${columns}: ${line}`);
      }
});

test("where numbers do not fit there are ninths, all of them, over several bands", () => {
  const values = [Array.from({ length: 65 }, (_, i) => (i === 64 ? -0.9 : (i % 10) / 10))];
  const lines = gridText(map(values), { columns: 60, colours: 0 }).split("\n");
  const digits = lines
    .filter((line) => /^ {4}0 /.test(line))
    .flatMap((line) => line.slice(6).match(/..?/g)!.map(Number));
  assert.equal(
    digits,
    values[0]!.map((_, i) => (i === 64 ? -9 : i % 10)),
  );
  assert.ok(lines.at(-1)!.includes("in ninths of 0.90"));
});

test("labels of others are cut to their cells and cannot command the terminal", () => {
  const text = gridText(map([[1, 2]], { columns: { title: "token", labels: ["\x1b[2J", "x".repeat(200)] } }));
  assert.not.ok(text.includes("\x1b"));
  assert.ok(text.split("\n").every((line) => line.length <= 80));
});

test("an empty map is refused", async () => {
  await refused(() => gridText(map([])), "options", "without values");
});

test.run();
