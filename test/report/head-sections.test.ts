import { test } from "uvu";
import * as assert from "uvu/assert";
import { FigureBook } from "../../src/report/figure-book.js";
import { attention, membership, overlays } from "../../src/report/head-sections.js";
import type { OverlaySample, ReportData } from "../../src/report/report-data.js";
import { leftOut } from "../../src/report/report-sections.js";

const EMPTY: ReportData = {
  title: "",
  run: { version: "", model: "", modelHash: "", backend: "", seed: 0, settings: {} },
  datasets: [],
  position: "answer",
  circuits: [],
  tokenMaps: [],
  universality: [],
  verified: [],
  attribution: [],
  headFunctions: [],
  overlays: [],
  shared: [],
  notes: [],
};

/** What a reader reads: words without markup, and a bar between cells. */
const words = (markup: string) =>
  markup
    .replace(/<\/t[hd]>/g, " | ")
    .replace(/<[^>]*>/g, "")
    .replace(/ +/g, " ");

/** Every row of the tables of a section. */
const rows = (markup: string) =>
  [...markup.matchAll(/<tr>(.*?)<\/tr>/g)].map(([, row]) =>
    [...row!.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/g)].map(([, cell]) => cell),
  );

const black = (width: number, height: number) => ({ width, height, data: new Uint8Array(3 * width * height) });

const SAMPLE: OverlaySample = {
  dataset: "own",
  id: "seven",
  question: "is it red or blue?",
  answers: ["red", "blue"],
  picture: black(8, 8),
  heads: [
    {
      layer: 2,
      head: 5,
      effect: 0.25,
      others: [-0.1, 0.2],
      overlay: [
        [0.1, -0.2],
        [0.3, 0],
      ],
    },
    {
      layer: 0,
      head: 1,
      effect: null,
      others: null,
      overlay: [
        [-0.4, -0.4],
        [0.05, 0.05],
      ],
    },
  ],
};

test("under each overlay stands its own head, what it does, where it looks most and where least", () => {
  const book = new FigureBook();
  const { content } = overlays({ ...EMPTY, overlays: [SAMPLE] }, book);
  const said = [
    ["L2H5", "most 0.300 at row 1, column 0, least −0.200 at row 0, column 1"],
    ["L0H1", "most 0.050 at row 1, column 0, least −0.400 at row 0, column 0"],
  ];
  const captions = [...content.markup.matchAll(/<figcaption>(.*?)<\/figcaption>/g)].map(([, caption]) => caption);
  assert.equal(
    captions,
    said.map(([head]) => `<strong>${head}</strong>`),
  );
  const told = words(content.markup).replace(/\s+/g, " ");
  assert.ok(told.includes("Effect 0.25: 25% of the answer comes back"), told);
  assert.ok(told.includes("95% of all other heads of this site, −0.10 to 0.20: this head is above"), told);
  assert.ok(told.includes("No effect is defined: clean and corrupted answers hardly differ."), told);
  const alts = [...content.markup.matchAll(/<img src="[^"]*" alt="(.*?)" width="(\d+)" height="(\d+)"/g)];
  assert.equal(
    alts.map(([, alt]) => alt),
    said.flatMap(([head, where]) => ["The picture of seven.", `${head} over seven: ${where}.`]),
  );
  // A picture that fits in 128 pixels stays as it is; what is drawn over it has 128, and 256 in its file.
  assert.equal(
    alts.map(([, , width, height]) => [width, height]),
    [
      ["8", "8"],
      ["128", "128"],
      ["8", "8"],
      ["128", "128"],
    ],
  );
  assert.ok(words(content.markup).includes("is it red or blue? Correct: red; the alternative: blue."));
  assert.ok(content.markup.match(/Colours from −0.40 to 0.40/g)?.length === 2, "one scale, that of the largest number");
  assert.equal(rows(content.markup), [
    ["row, column", "L2H5", "L0H1"],
    ["0, 0", "0.100", "−0.400"],
    ["0, 1", "−0.200", "−0.400"],
    ["1, 0", "0.300", "0.050"],
    ["1, 1", "0.000", "0.050"],
  ]);
});

test("a large picture is shown smaller, in its proportions", () => {
  for (const [width, height, shown] of [
    [256, 200, "128x100"],
    [512, 128, "128x32"],
    [300, 600, "64x128"],
  ] as const) {
    const sample = { ...SAMPLE, picture: black(width, height) };
    const { markup } = overlays({ ...EMPTY, overlays: [sample] }, new FigureBook()).content;
    const [, ...size] = /alt="The picture[^>]* width="(\d+)" height="(\d+)"/.exec(markup)!;
    assert.is(size.join("x"), shown);
  }
});

test("universal heads: which circuits each is in, and how much the circuits overlap", () => {
  const universality = {
    names: ["a", "b"],
    heads: [
      { layer: 5, head: 3, circuits: ["a", "b"] },
      { layer: 1, head: 0, circuits: ["b"] },
    ],
    overlap: [
      [1, 0.5],
      [0.5, null],
    ],
  };
  const { markup } = membership({ site: "text.cross.z", universality });
  assert.equal(rows(markup), [
    ["head", "in", "a", "b"],
    ["L5H3", "2 of 2", "yes", "yes"],
    ["L1H0", "1 of 2", "no", "yes"],
    ["circuit", "a", "b"],
    ["a", "1.000", "0.500"],
    ["b", "0.500", "both empty"],
  ]);
  const none = { names: ["a"], heads: [], overlap: [[null]] };
  const empty = membership({ site: "text.cross.z", universality: none });
  assert.ok(words(empty.markup).includes("No circuit has a head."));
});

test("what heads attend to, by the bounds that the text names", () => {
  const object = { objectSamples: 4, objectMass: 0.6, objectUniform: 0.2, auroc: 0.6 };
  const outliers = { outlierSamples: 3, outlierMass: 0.02, outlierUniform: 0.04 };
  const heads = [
    { dataset: "own", layer: 2, head: 1, ...object, ...outliers },
    { dataset: "own", layer: 0, head: 3, ...object, objectMass: 0.1, auroc: 0.4, ...outliers, outlierMass: 0.021 },
    { dataset: "own", layer: 0, head: 4, ...object, auroc: 0.59, ...outliers, outlierMass: null },
  ];
  const { markup } = attention({ ...EMPTY, headFunctions: heads }).content;
  assert.equal(rows(markup).slice(1), [
    ["L2H1, own", "4", "0.600", "0.200", "0.600", "3", "0.020", "0.040", "segmentation, outlier inhibition"],
    ["L0H3, own", "4", "0.100", "0.200", "0.400", "3", "0.021", "0.040", "object inhibition"],
    ["L0H4, own", "4", "0.600", "0.200", "0.590", "3", "no outlier", "0.040", "none of the three"],
  ]);
  for (const bound of ["AUROC at least 0.6", "AUROC at most 0.4", "at most 0.5 of uniform"])
    assert.ok(words(markup).replace(/\s+/g, " ").includes(bound), bound);
});

test("a section with nothing in it says so", () => {
  const book = new FigureBook();
  assert.ok(words(overlays(EMPTY, book).content.markup).includes("No overlay was asked for."));
  assert.ok(words(attention(EMPTY).content.markup).includes("No head was looked at."));
  assert.is(words(leftOut(EMPTY).content.markup), "");
  assert.equal(words(leftOut({ ...EMPTY, notes: ["one", "two"] }).content.markup).trim(), "one\ntwo");
});

test.run();
