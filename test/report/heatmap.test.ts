import { PNG } from "pngjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { NoticeError } from "../../src/base/errors.js";
import type { HeadMap } from "../../src/page/map.js";
import { svgToPng } from "../../src/report/figure.js";
import { headMapPng, headMapSvg } from "../../src/report/heatmap.js";

const test = suite("heatmap");

const map = (values: HeadMap["values"], more: Partial<HeadMap> = {}): HeadMap => ({
  values,
  title: "text.cross.z, denoise",
  legend: "effect (1 = all restored)",
  rows: { title: "layer" },
  columns: { title: "head" },
  ...more,
});

/** Red, green, blue five SVG pixels inside each cell's upper left corner, where no number is printed: [row][column]. */
async function cellColours(map: HeadMap): Promise<number[][][]> {
  const [svg, png] = [await headMapSvg(map), PNG.sync.read(Buffer.from(await headMapPng(map)))];
  const [width, height] = /<svg[^>]* width="(\d+)" height="(\d+)"/.exec(svg)!.slice(1).map(Number);
  assert.equal([png.width, png.height], [2 * width!, 2 * height!]);
  const [left, top] = /transform="translate\((\d+),(\d+)\)"/.exec(svg)!.slice(1).map(Number);
  const cells = [...svg.matchAll(/rect mark" d="M(\d+),(\d+)h(\d+)v(\d+)/g)].map((cell) => cell.slice(1).map(Number));
  const columns = map.values[0]!.length;
  assert.is(cells.length, map.values.length * columns);
  const colours = cells.map(([x, y]) => {
    const at = 4 * (2 * (top! + y! + 5) * png.width + 2 * (left! + x! + 5));
    return [...png.data.subarray(at, at + 3)];
  });
  return map.values.map((_, row) => colours.slice(row * columns, (row + 1) * columns));
}

/** Every line of text, in the document's order. */
const textsOf = (svg: string) => [...svg.matchAll(/<(?:text|tspan)[^>]*>([^<]+)</g)].map((match) => match[1]!);

test("cells are red below 0, blue above, pale at 0, grey without a score", async () => {
  const values = [
    [-1, -0.25, 0],
    [0.25, 1, null],
  ];
  const [[worst, bad, zero], [good, best, none]] = (await cellColours(map(values))) as [number[][], number[][]];
  for (const [r, , b] of [worst!, bad!]) assert.ok(r! > b! + 20);
  for (const [r, , b] of [good!, best!]) assert.ok(b! > r! + 10);
  assert.ok(worst![1]! < bad![1]! && best![1]! < good![1]!, "stronger is darker");
  assert.ok(Math.min(...zero!) > 230);
  assert.equal(none, [0xc4, 0xc4, 0xc4]);
});

test("large grids have the right colours too, and a minus in negative cells instead of numbers", async () => {
  const values = Array.from({ length: 24 }, (_, row) => Array.from({ length: 16 }, (_, i) => (row - 11.5) * (i - 7.5)));
  const colours = await cellColours(map(values));
  for (const [row, line] of values.entries()) {
    for (const [column, value] of line.entries()) {
      const [r, , b] = colours[row]![column]!;
      if (Math.abs(value) > 10) assert.is(Math.sign(b! - r!), Math.sign(value), `row ${row}, column ${column}`);
    }
  }
  const texts = textsOf(await headMapSvg(map(values)));
  const marked = values.flat().filter((value) => value < -0.1 * 11.5 * 7.5).length;
  assert.is(texts.filter((text) => text === "−").length, marked);
  assert.not(texts.includes("86.3"));
});

test("prints title, axes, labels, numbers and legend", async () => {
  const labels = ["[CLS]", "the", "the", "antidisestablishmentarianism"];
  const svg = await headMapSvg(
    map([[0.5, -0.126, 0.001, null]], {
      subtitle: "is the dog big?",
      columns: { title: "token", labels },
      rows: { title: "layer", labels: ["L7"] },
    }),
  );
  const texts = textsOf(svg);
  const expected = ["text.cross.z, denoise", "is the dog big?", "× no score", "layer", "token", "[CLS]", "L7", "0.50"];
  for (const text of [...expected, "−0.13", "0", "×", "effect (1 = all restored)", "−0.50", "0.25"]) {
    assert.ok(texts.includes(text), `${text} among ${texts.join(" | ")}`);
  }
  assert.is(texts.filter((text) => text === "the").length, 2);
  assert.ok(texts.some((text) => /^antidis.*…$/.test(text)));
  assert.match(svg, /rotate\(300\)/);
});

test("keeps numbers short at every scale", async () => {
  const printed = async (value: number) => textsOf(await headMapSvg(map([[value, 0]])));
  for (const [value, text] of [
    [1234.5, "1235"],
    [-42.2, "−42"],
    [4.25, "4.3"],
    [0.0314, "0.031"],
    [-0.0000412, "−4.1e−5"],
    [6.02e23, "6.0e+23"],
  ] as const) {
    assert.ok((await printed(value)).includes(text), `${value}: ${await printed(value)}`);
  }
});

test("text of others is only text", async () => {
  const evil = [
    '</text><script>alert("1")</script>',
    "&lt;&amp;",
    "a\u0000b\ud800c\uffff",
    "'] + warn('x') + ['",
    "\u202e",
  ];
  const hostile = map([[1, 2, 3, 4, 5]], {
    title: evil[0]!,
    subtitle: evil[2]!,
    legend: evil[1]!,
    rows: { title: evil[3]!, labels: [evil[0]!] },
    columns: { title: evil[2]!, labels: evil },
  });
  const svg = await headMapSvg(hostile);
  assert.not.match(svg, /<script/i);
  assert.not.match(svg, /[^\P{C}\n\u202e]/u);
  assert.ok(textsOf(svg).includes("&amp;lt;&amp;amp;"));
  assert.ok(textsOf(svg).includes("'] + warn('x') + ['"));
  assert.ok(PNG.sync.read(Buffer.from(await headMapPng(hostile))).width > 0);
});

test("draws a map of zeros, of nothing but nulls, of one cell", async () => {
  const [zeros] = (await cellColours(map([[0, 0]]))) as [number[][]];
  const [nulls] = (await cellColours(map([[null, null]]))) as [number[][]];
  const [three] = (await cellColours(map([[3]]))) as [number[][]];
  assert.equal([zeros.length, nulls.length, three.length], [2, 2, 1]);
  assert.equal(zeros[0], zeros[1]);
  assert.not.equal(zeros[0], three[0]);
});

test("a shared scale makes equal values equally dark in different maps", async () => {
  const [alone] = (await cellColours(map([[0.2, 0.1]]))) as [number[][]];
  const [shared, other] = [
    await cellColours(map([[0.2, 0.1]], { extent: 1 })),
    await cellColours(map([[1, 0.2]], { extent: 1 })),
  ];
  assert.ok(alone[0]![0]! < shared[0]![0]![0]!);
  assert.equal(shared[0]![0], other[0]![1]);
  assert.ok(
    textsOf(await headMapSvg(map([[0.2]], { extent: 1 }))).includes("−1.0"),
    "the legend ends where the scale does",
  );
});

test("the legend names five numbers, from end to end", async () => {
  const labels = { rows: { title: "layer", labels: ["a"] }, columns: { title: "head", labels: ["b"] } };
  const legend = async (more: Partial<HeadMap> = {}) =>
    textsOf(await headMapSvg(map([[0.3]], { ...labels, extent: 2, ...more }))).filter((text) =>
      /^−?\d\.\d$|^0$/.test(text),
    );
  assert.equal((await legend()).slice(-5), ["−2.0", "−1.0", "0", "1.0", "2.0"]);
  assert.equal((await legend({ sequential: true })).slice(-5), ["0", "0.5", "1.0", "1.5", "2.0"]);
});

test("what cannot be negative goes from white to blue, from zero", async () => {
  const sequential = map([[0, 0.3, 0.6]], { sequential: true });
  const [[none, some, most]] = (await cellColours(sequential)) as [number[][]];
  assert.ok(none![0]! > some![0]! && some![0]! > most![0]!);
  assert.ok(most![2]! > most![0]! + 50, "blue");
  assert.not(textsOf(await headMapSvg(sequential)).some((text) => text.startsWith("−")));
});

test("marked cells have a frame and a dot, and the map says what that means", async () => {
  const cells = [
    [0, 1],
    [1, 0],
  ] as const;
  const values = [
    [0.1, 0.9],
    [-0.8, 0],
  ];
  const svg = await headMapSvg(map(values, { marks: { cells, meaning: "in the circuit" } }));
  const texts = textsOf(svg);
  assert.is(texts.filter((text) => text === "●").length, 2);
  assert.ok(texts.includes("● in the circuit"));
  const places = (style: string) =>
    [...svg.matchAll(new RegExp(` d="M(\\d+,\\d+)h\\d+v\\d+h-\\d+Z"[^>]*stroke="${style}"`, "g"))].map(([, at]) => at);
  const [, right, below] = places("white");
  assert.equal(places("black"), [right, below]);
  assert.not(
    textsOf(await headMapSvg(map(values, { marks: { cells: [], meaning: "in the circuit" } }))).includes(
      "● in the circuit",
    ),
  );
});

test("a compact map of many columns has no numbers, and the same cells as its neighbours", async () => {
  const wide = Array.from({ length: 2 }, () => Array.from({ length: 12 }, (_, i) => i / 24));
  assert.ok(textsOf(await headMapSvg(map(wide))).includes("0.21"));
  assert.not(textsOf(await headMapSvg(map(wide, { compact: true }))).includes("0.21"));
  const width = async (value: number) =>
    / width="(\d+)"/.exec(await headMapSvg(map([[value, 0]], { compact: true })))![1];
  assert.is(await width(0.51), await width(-0.51));
});

test("a figure of enormous size is drawn smaller", async () => {
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="20000" height="10"><rect width="20000" height="10"/></svg>';
  assert.is(PNG.sync.read(Buffer.from(await svgToPng(svg))).width, 4096);
});

test("refuses values and labels that do not fit", async () => {
  const wrong: [HeadMap, RegExp][] = [
    [map([]), /without values/],
    [map([[]]), /without values/],
    [map([[1, 2], [3]]), /Row 1 of the map has 1 values and row 0 has 2/],
    [map([[1, Number.NaN]]), /cannot show NaN; give null/],
    [map([[1, Number.POSITIVE_INFINITY]]), /Infinity/],
    [map([[1, 2]], { columns: { title: "token", labels: ["a"] } }), /axis "token" has 1 labels and 2 places/],
  ];
  for (const [bad, message] of wrong) {
    const error = await headMapSvg(bad).catch((reason: unknown) => reason);
    assert.instance(error, NoticeError);
    assert.match((error as NoticeError).message, message);
  }
});

test.run();
