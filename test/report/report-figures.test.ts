import { test } from "uvu";
import * as assert from "uvu/assert";
import { cellsOf, type HeadMap, labelsOf } from "../../src/page/map.js";
import type { Circuit, HeadStatistics } from "../../src/patching/circuits.js";
import type { SiteCircuit, TokenMap } from "../../src/report/report-data.js";
import { circuitFigure, sharedExtent, shareFigure, tokenFigure } from "../../src/report/report-figures.js";

const head = (at: number, mean: number, signedMean: number, inCircuit = false): HeadStatistics => ({
  layer: at,
  head: 1,
  mean,
  signedMean,
  std: 0.25,
  low: mean - 0.125,
  high: mean + 0.125,
  pValue: 0.0005,
  inCircuit,
  inControlled: inCircuit,
});

const CIRCUIT: Circuit = {
  samples: 7,
  degenerate: 2,
  threshold: 0.4,
  heads: [head(0, 0.5, 0.5, true), head(1, 0.75, -0.75, true), head(2, 0.25, 0.125)],
  layerShare: [0.25, 0.5, 0.25],
};

const ONE: SiteCircuit = {
  dataset: "own",
  modality: "image",
  site: "text.cross.z",
  metric: "effect",
  layers: 3,
  heads: 2,
  circuit: CIRCUIT,
  unplaced: 0,
};

const NONE: Circuit = { samples: 0, degenerate: 3, threshold: 0, heads: [], layerShare: [0, 0, 0] };

/** What the map shows: its cells one after the other, and its lines of text. */
function drawn(figure: { readonly map: HeadMap } | undefined) {
  const { map } = figure!;
  const cells = cellsOf(map, ...labelsOf(map));
  return { cells, subtitle: [map.subtitle].flat(), meaning: map.marks?.meaning };
}

test("a circuit's map: the sentence names the head of the largest mean, of whatever sign, and the circuit's heads", () => {
  const figure = circuitFigure(ONE, 1)!;
  assert.is(
    figure.alt,
    "Map of 3 layers by 2 heads. own, SIP (image), text.cross.z, 7 samples, 3 of 6 heads patched. The largest mean effect is " +
      "−0.750, at L1H1. In the circuit: L1H1 (−0.750), L0H1 (0.500).",
  );
  assert.equal(figure.numbers.rows, [
    ["L1H1", "0.750", "0.625 to 0.875", "−0.750", "0.250", "5.0e−4", "yes", "yes"],
    ["L0H1", "0.500", "0.375 to 0.625", "0.500", "0.250", "5.0e−4", "yes", "yes"],
    ["L2H1", "0.250", "0.125 to 0.375", "0.125", "0.250", "5.0e−4", "no", "no"],
  ]);
  const { cells, subtitle, meaning } = drawn(figure);
  assert.equal(
    cells.map(({ value }) => value),
    [null, 0.5, null, -0.75, null, 0.125],
  );
  assert.equal(
    cells.map(({ marked }) => marked),
    [false, true, false, true, false, false],
  );
  assert.equal(
    cells.map(({ note }) => note),
    [
      "",
      "mean |effect| 0.500 [0.375, 0.625], in the circuit",
      "",
      "mean |effect| 0.750 [0.625, 0.875], in the circuit",
      "",
      "mean |effect| 0.250 [0.125, 0.375], not in the circuit",
    ],
  );
  assert.equal(subtitle, ["7 samples, 2 more without a score, 3 of 6 heads patched"]);
  assert.is(meaning, "in the circuit: mean |effect| ≥ 0.400");
});

test("what is whole is not said to be a part", () => {
  const whole = {
    ...ONE,
    heads: 1,
    circuit: { ...CIRCUIT, degenerate: 0, heads: CIRCUIT.heads.map((one) => ({ ...one, head: 0 })) },
  };
  const figure = circuitFigure(whole, 1)!;
  assert.is(drawn(figure).subtitle[0], "7 samples");
  assert.not(figure.alt.includes("patched"));
  assert.is(circuitFigure({ ...ONE, circuit: NONE }, 1), undefined);
});

test("maps that are compared share the largest number, of whatever sign", () => {
  assert.is(sharedExtent([[[0.5, -0.75]], [[null, 0.25]]]), 0.75);
  assert.is(sharedExtent([[[null]]]), 0);
  assert.is(sharedExtent([]), 0);
});

test("a map of tokens: the sentence names the layer and the token of the largest mean", () => {
  const map: TokenMap = {
    dataset: "own",
    modality: "text",
    site: "text.resid_post",
    metric: "logitDiff",
    samples: 5,
    degenerate: 1,
    roles: ["[CLS]", "or", "?"],
    means: [
      [0.5, null, 0.125],
      [-1.5, 1.25, null],
    ],
  };
  const figure = tokenFigure(map, 2)!;
  assert.is(
    figure.alt,
    "Map of 2 layers by 3 tokens. own, STR (text), text.resid_post, 5 samples. The largest mean logitDiff is −1.500, at layer 1, token [CLS].",
  );
  assert.equal(figure.numbers.columns, ["layer", "[CLS]", "or", "?"]);
  assert.equal(figure.numbers.rows, [
    ["0", "0.500", "in no question", "0.125"],
    ["1", "−1.500", "1.250", "in no question"],
  ]);
  assert.equal(drawn(figure).subtitle, ["5 samples, 1 more without a score"]);
  assert.is(tokenFigure({ ...map, means: [[null], [null]] }, 2), undefined);
});

test("shares of layers: of each circuit that has heads the strongest", () => {
  const figure = shareFigure([ONE, { ...ONE, modality: "text", circuit: NONE }])!;
  assert.is(
    figure.alt,
    "Map of 2 circuits by 3 layers, text.cross.z. The largest share: own, SIP (image): layer 1 (50.0%).",
  );
  assert.equal(figure.numbers.columns, ["circuit", "layer 0", "layer 1", "layer 2"]);
  assert.equal(figure.numbers.rows, [
    ["own, SIP (image)", "25.0%", "50.0%", "25.0%"],
    ["own, STR (text)", "no circuit", "no circuit", "no circuit"],
  ]);
  assert.is(shareFigure([]), undefined);
  assert.is(shareFigure([{ ...ONE, circuit: NONE }]), undefined);
});

test.run();
