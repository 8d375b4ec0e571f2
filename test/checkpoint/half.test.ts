import { test } from "uvu";
import * as assert from "uvu/assert";
import { seeded } from "../../bench/random-model.js";
import { narrowed, widened } from "../../src/checkpoint/half.js";

const ALL = Uint16Array.from({ length: 65_536 }, (_, bits) => bits);
const FINITE = ALL.filter((bits) => (bits & 0x7c00) !== 0x7c00);

const nearest = (...values: number[]) => [...narrowed(Float32Array.from(values))!];

test("float16: numbers of the standard, and back", () => {
  const stated: [number, number][] = [
    [0x0001, 2 ** -24],
    [0x03ff, 2 ** -14 * (1023 / 1024)],
    [0x0400, 2 ** -14],
    [0x3555, 0.333251953125],
    [0x3c00, 1],
    [0x3c01, 1 + 2 ** -10],
    [0xc000, -2],
    [0x7bff, 65_504],
  ];
  const [bits, values] = [stated.map(([bits]) => bits), stated.map(([, value]) => value)];
  assert.equal([...widened(Uint16Array.from(bits), "F16")], values);
  assert.equal(nearest(...values), bits);
  assert.equal(narrowed(widened(FINITE, "F16")), FINITE, "every number is its own nearest, both zeros too");
});

test("bfloat16: the upper half of a float32", () => {
  const floats = Float32Array.from([0, 1, -2.5, 2 ** -126, 2 ** 127]);
  const upper = Uint16Array.from(new Uint32Array(floats.buffer), (bits) => bits >>> 16);
  assert.equal(widened(upper, "BF16"), floats);
});

test("between two float16 the nearer one, of the middle the even one", () => {
  const positive = FINITE.filter((bits) => bits < 0x8000);
  const values = widened(positive, "F16");
  const pairs = Array.from(positive.slice(1), (_, low) => ({ low, below: values[low]!, above: values[low + 1]! }));
  const between = (part: number) => pairs.map(({ below, above }) => below + (above - below) * part); // exact
  const even = pairs.map(({ low }) => (low % 2 === 0 ? low : low + 1));
  assert.equal(nearest(...between(1 / 2)), even);
  assert.equal(
    nearest(...between(1 / 2).map((value) => -value)),
    even.map((bits) => bits | 0x8000),
  );
  assert.equal(
    nearest(...between(511 / 1024)),
    pairs.map(({ low }) => low),
  );
  assert.equal(
    nearest(...between(513 / 1024)),
    pairs.map(({ low }) => low + 1),
  );
});

test("a value that would round beyond the largest float16 is none", () => {
  assert.equal(nearest(65_519.9), [0x7bff]);
  for (const value of [65_520, -65_520, 1e5, 3e38]) assert.is(narrowed(Float32Array.from([1, value])), undefined);
});

test("random numbers: no float16 is nearer", () => {
  const random = seeded(3);
  const given = Float32Array.from({ length: 2000 }, () => (random() - 0.5) * 2 ** Math.floor(40 * random() - 25));
  const found = widened(narrowed(given)!, "F16");
  const sorted = widened(FINITE, "F16").sort();
  for (const [i, value] of given.entries()) {
    const next = sorted.findIndex((half) => half >= value);
    const best = Math.min(...[sorted[next - 1]!, sorted[next]!].map((half) => Math.abs(half - value)));
    assert.is(Math.abs(found[i]! - value), best, `${value}`);
  }
});

test.run();
