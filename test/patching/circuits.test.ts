import { test } from "uvu";
import * as assert from "uvu/assert";
import { random } from "../../src/base/random.js";
import {
  benjaminiHochberg,
  type Circuit,
  findCircuit,
  type HeadScores,
  universality,
} from "../../src/patching/circuits.js";
import { refused } from "../support/refused.js";

const near = (found: number, expected: number, tolerance = 1e-12) =>
  assert.ok(Math.abs(found - expected) <= tolerance, `${found} is not ${expected}`);

const members = ({ heads }: Circuit) =>
  heads.filter((one) => one.inCircuit).map(({ layer, head }) => `L${layer}H${head}`);

/** Normally distributed numbers (Box and Muller). */
function normal(seed: number): () => number {
  const choose = random(seed, "normal");
  return () => Math.sqrt(-2 * Math.log(1 - choose.next())) * Math.cos(2 * Math.PI * choose.next());
}

/** `count` samples of layers x heads numbers. */
const drawn = (count: number, layers: number, heads: number, value: (layer: number, head: number) => number) =>
  Array.from({ length: count }, () =>
    Array.from({ length: layers }, (_, layer) => Array.from({ length: heads }, (_, head) => value(layer, head))),
  );

test("the controlled rule finds one head among 144", () => {
  const next = normal(5);
  const samples = drawn(40, 12, 12, (layer, head) => (layer === 5 && head === 3 ? 1 : 0) + 0.1 * next());
  const { heads } = findCircuit(samples);
  assert.equal(
    heads.filter(({ inControlled }) => inControlled).map(({ layer, head }) => [layer, head]),
    [[5, 3]],
  );
});

test("two samples of 2 x 3 heads, by hand", () => {
  const circuit = findCircuit([
    [
      [0.1, -0.3, 0],
      [1, 0.2, 0],
    ],
    [
      [0.1, 0.1, 0],
      [0.6, -0.2, 0.2],
    ],
  ]);
  const means = [0.1, 0.2, 0, 0.8, 0.2, 0.1];
  for (const [at, { mean }] of circuit.heads.entries()) near(mean, means[at]!);
  assert.equal(
    circuit.heads.map(({ layer, head }) => [layer, head]),
    [
      [0, 0],
      [0, 1],
      [0, 2],
      [1, 0],
      [1, 1],
      [1, 2],
    ],
  );
  // Mean 1.4 / 6; squares add up to 0.74.
  near(circuit.threshold, 1.4 / 6 + 2 * Math.sqrt(0.74 / 6 - (1.4 / 6) ** 2));
  near(circuit.heads[1]!.signedMean, -0.1);
  near(circuit.heads[1]!.std, 0.2);
  near(circuit.layerShare[0]!, 0.3 / 1.4);
  near(circuit.layerShare[1]!, 1.1 / 1.4);
  assert.equal([circuit.samples, circuit.degenerate], [2, 0]);
  assert.equal(members(circuit), ["L1H0"]); // 0.8 is above 0.758
});

test("a planted head is found, with its sign, by both rules; no other is", () => {
  const noise = normal(1);
  const samples = drawn(40, 4, 6, (layer, head) => (layer === 2 && head === 5 ? -0.8 : 0) + 0.1 * noise());
  const circuit = findCircuit(samples);
  assert.equal(members(circuit), ["L2H5"]);
  const planted = circuit.heads.find(({ inCircuit }) => inCircuit)!;
  near(planted.signedMean, -0.8, 0.06);
  near(planted.mean, 0.8, 0.06);
  assert.is(planted.pValue, 1 / 2001, "no flip of signs does as much");
  assert.equal(circuit.heads.filter(({ inControlled }) => inControlled).length, 1);
});

test("samples without a score are left out and counted", () => {
  const whole: HeadScores = [[1, 2]];
  const circuit = findCircuit([whole, [[null, null]], [[3, null]]]);
  assert.equal([circuit.samples, circuit.degenerate], [1, 2]);
  assert.equal(
    circuit.heads.map(({ mean }) => mean),
    [1, 2],
  );
  const nothing = findCircuit([[[null], [null]]]);
  assert.equal(nothing, { samples: 0, degenerate: 1, threshold: 0, heads: [], layerShare: [0, 0] });
  assert.equal(findCircuit([]).heads, []);
});

test("equal heads are no circuit, and heads that do nothing have no shares", () => {
  const equal = findCircuit(drawn(3, 2, 2, () => 0.1));
  assert.equal(members(equal), []);
  assert.equal(
    equal.layerShare.map((share) => share.toFixed(6)),
    ["0.500000", "0.500000"],
  );
  assert.equal(findCircuit(drawn(3, 2, 2, () => 0)).layerShare, [0, 0]);
});

test("bootstrap intervals are those of the normal approximation where there are many samples", () => {
  const noise = normal(2);
  const values = Array.from({ length: 1000 }, () => 5 + noise());
  const { heads } = findCircuit(values.map((value) => [[value]]));
  const { mean, std, low, high } = heads[0]!;
  const half = (1.96 * std) / Math.sqrt(values.length); // 0.062
  near(low, mean - half, 0.006);
  near(high, mean + half, 0.006);
});

test("p-values are uniform where all heads are alike", () => {
  const found: number[] = [];
  for (let seed = 0; seed < 40; seed++) {
    const noise = normal(100 + seed);
    const { heads } = findCircuit(
      drawn(30, 1, 10, () => noise()),
      { seed, resamples: 200 },
    );
    found.push(heads[0]!.pValue, heads[5]!.pValue);
  }
  found.sort((a, b) => a - b);
  const farthest = Math.max(...found.map((p, i) => Math.abs(p - (i + 0.5) / found.length)));
  // Kolmogorov and Smirnov: 80 uniform values get farther than this once in a thousand times.
  assert.ok(farthest < 1.95 / Math.sqrt(found.length), `the p-values are ${farthest} from uniform`);
});

test("Benjamini and Hochberg reject the four of their own example", () => {
  // 1995, section 4: fifteen end points of a trial of thrombolysis; Bonferroni rejects three.
  const given = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528];
  const rejected = (pValues: number[]) => benjaminiHochberg(pValues, 0.05).flatMap((is, i) => (is ? [pValues[i]] : []));
  assert.equal(rejected([...given, 0.759, 1]), [0.0001, 0.0004, 0.0019, 0.0095]);
  assert.equal(rejected([1, 0.759, ...given].reverse()), [0.0095, 0.0019, 0.0004, 0.0001]);
  // A value above its own bound is rejected with a later one below its bound.
  assert.equal(rejected([0.04, 0.045]), [0.04, 0.045]);
  assert.equal(rejected([0.06, 0.2]), []);
});

test("equal seeds give equal circuits; the order of layers and heads changes no head's statistics", () => {
  const noise = normal(3);
  const samples = drawn(12, 2, 3, () => noise());
  assert.equal(findCircuit(samples, { seed: 4 }), findCircuit(samples, { seed: 4 }));
  assert.not.equal(findCircuit(samples, { seed: 5 }).heads, findCircuit(samples, { seed: 4 }).heads);
  const turned = findCircuit(samples.map((layers) => [...layers].reverse()));
  const straight = findCircuit(samples);
  near(turned.threshold, straight.threshold);
  near(turned.heads[0]!.mean, straight.heads[3]!.mean);
});

test("universal heads are those that all circuits have; overlap is Jaccard's", () => {
  const planted = (...places: string[]) =>
    findCircuit(drawn(2, 6, 6, (layer, head) => (places.includes(`${layer}.${head}`) ? 1 : 0)));
  const found = universality([
    { name: "a", circuit: planted("5.3", "3.0") },
    { name: "b", circuit: planted("5.3", "0.5") },
    { name: "c", circuit: planted("0.5", "5.3") },
    { name: "none", circuit: findCircuit([]) },
    { name: "empty", circuit: findCircuit([[[null]]]) },
  ]);
  assert.equal(found.heads, [
    { layer: 5, head: 3, circuits: ["a", "b", "c"] },
    { layer: 0, head: 5, circuits: ["b", "c"] },
    { layer: 3, head: 0, circuits: ["a"] },
  ]);
  const alike = universality([
    { name: "a", circuit: planted("4.5") },
    { name: "b", circuit: planted("4.1") },
    { name: "c", circuit: planted("2.3") },
  ]);
  assert.equal(
    alike.heads.map(({ layer, head }) => `${layer}.${head}`),
    ["2.3", "4.1", "4.5"],
    "equal ones by layer and head",
  );
  assert.equal(found.overlap, [
    [1, 1 / 3, 1 / 3, 0, 0],
    [1 / 3, 1, 1, 0, 0],
    [1 / 3, 1, 1, 0, 0],
    [0, 0, 0, null, null],
    [0, 0, 0, null, null],
  ]);
});

test("refuses samples of different shapes", async () => {
  await refused(() => findCircuit([[[1, 2]], [[1]]]), "options", "equal numbers of layers and heads");
  await refused(
    () =>
      findCircuit([
        [[1, 2]],
        [
          [1, 2],
          [1, 2],
        ],
      ]),
    "options",
  );
});

test("one resample is the fewest, a million the most; a rate is a share", async () => {
  const samples = [[[1, 2]]];
  findCircuit(samples, { resamples: 1, rate: 0.999 });
  assert.is(findCircuit([], { resamples: 1e6, rate: 1e-6 }).samples, 0);
  for (const resamples of [0, 1.5, 1e6 + 1])
    await refused(() => findCircuit(samples, { resamples }), "options", `resamples is ${resamples}`);
  for (const rate of [0, 9e-7, 1, Number.NaN])
    await refused(() => findCircuit(samples, { rate }), "options", `rate is ${rate}`);
});

test.run();
