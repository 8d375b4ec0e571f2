import { readFileSync } from "node:fs";
import { join } from "node:path";
import library from "safetensors";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { NoticeError } from "../../src/base/errors.js";
import { POINTER } from "../../src/base/pointer.js";
import { narrowed, widened } from "../../src/checkpoint/half.js";
import { readFloats, readHalves, readSafetensors } from "../../src/checkpoint/safetensors.js";
import { bytesSource, fileOf, floats, readStored, type StoredTensor, safetensorsFile } from "../support/checkpoint.js";
import { FIXTURES } from "../support/fixture.js";
import { refused } from "../support/refused.js";

const NARROW = new Uint8Array(readFileSync(join(FIXTURES, "narrow/model.safetensors")));
const EIGHT_BYTES = floats(1, 2);

const read = (file: Uint8Array) => readSafetensors(bytesSource(file));
const readHeader = (header: unknown, data: Uint8Array = EIGHT_BYTES) => read(fileOf(JSON.stringify(header), data));
const entry = (fields: object = {}) => ({ dtype: "F32", shape: [2], data_offsets: [0, 8], ...fields });
const header = (fields: object) => ({ "layer.weight": entry(fields) });

/** The floats of one tensor stored as 16-bit patterns. */
async function halves(dtype: string, ...patterns: number[]): Promise<number[]> {
  const bytes = new Uint8Array(Uint16Array.from(patterns).buffer);
  const entries = await read(safetensorsFile([["x", { dtype, shape: [patterns.length], bytes }]]));
  return Array.from(await readFloats(entries.get("x")!));
}

test("reads what npm's safetensors reads", async () => {
  const file = safetensorsFile(readStored(NARROW)); // that one throws on __metadata__
  const peer = new library.SafeTensor(file);
  const entries = await read(file);
  assert.equal([...entries.keys()].sort(), [...peer.metadata.keys()].sort());
  for (const [name, { dtype, shape, start, end }] of entries) {
    assert.equal({ dtype, shape, data_offsets: [start, end] }, peer.metadata.get(name));
    const bytes = peer.getTensor(name).slice();
    assert.equal(await readFloats(entries.get(name)!), new Float32Array(bytes.buffer));
  }
});

test("in 16 bits: what is stored so, or the nearest, of tensors longer than what is read at a time", async () => {
  const count = 2 ** 20 + 5;
  const values = Float32Array.from({ length: count }, (_, i) => Math.sin(i) * 3);
  const bits = narrowed(values)!;
  const cut = Uint16Array.from(new Uint32Array(values.buffer), (wide) => wide >>> 16);
  const stored = async (dtype: string, data: ArrayBufferView) => {
    const bytes = new Uint8Array(data.buffer);
    return (await read(safetensorsFile([["x", { dtype, shape: [count], bytes }]]))).get("x")!;
  };
  const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => Buffer.from(buffer, byteOffset, byteLength);
  const equal = (found: ArrayBufferView, wanted: ArrayBufferView) => assert.ok(bytesOf(found).equals(bytesOf(wanted)));
  for (const [dtype, data, wanted] of [
    ["F32", values, bits],
    ["F64", Float64Array.from(values), bits],
    ["F16", bits, bits],
    ["BF16", cut, cut],
  ] as const) {
    const entry = await stored(dtype, data);
    const halves = (await readHalves(entry))!;
    equal(halves.bits, wanted);
    if (dtype.endsWith("16")) equal(widened(halves.bits, halves.kind), await readFloats(entry));
  }
  values[count - 2] = Number.NaN;
  const entry = await stored("F32", values);
  await refused(() => readHalves(entry), "checkpoint", `tensor x holds NaN at element ${count - 2}`);
  values[count - 2] = 1e6;
  assert.is(await readHalves(await stored("F32", values)), undefined);
});

test("metadata, scalars, empty tensors and an empty file", async () => {
  assert.is((await read(safetensorsFile([], { format: "pt" }))).size, 0);
  const tensors: [string, StoredTensor][] = [
    ["empty", { dtype: "F32", shape: [0, 9007199254740991], bytes: floats() }],
    ["scalar", { dtype: "F32", shape: [], bytes: floats(-0.5) }],
    ["after", { dtype: "I64", shape: [1], bytes: new Uint8Array(8) }],
  ];
  const entries = await read(safetensorsFile(tensors, { format: "pt", note: '{"scalar": ":"}' }));
  assert.equal([...entries.keys()].sort(), ["after", "empty", "scalar"]);
  assert.equal(Array.from(await readFloats(entries.get("scalar")!)), [-0.5]);
  await refused(
    () => readFloats(entries.get("after")!),
    "checkpoint",
    "tensor after is stored as I64",
    "F64, F32, F16 or BF16",
  );
});

test("names that JavaScript objects know are names like others", async () => {
  const names = ["constructor", "toString", "1", "0", "", "ä\n\u0000"];
  const file = safetensorsFile(names.map((name) => [name, { dtype: "F32", shape: [2], bytes: EIGHT_BYTES }]));
  // Not by JSON.stringify of an object: `__proto__ =` makes no key there.
  const entries = await read(
    fileOf(
      `{"__proto__": ${JSON.stringify(entry())}, "constructor": ${JSON.stringify(entry({ data_offsets: [8, 16] }))}}`,
      floats(1, 2, 3, 4),
    ),
  );
  assert.equal([...entries.keys()], ["__proto__", "constructor"]);
  assert.equal([...(await read(file)).keys()].sort(), names.sort());
  await refused(() => readHeader({ x: { ...entry(), dtype: "__proto__" } }), "checkpoint", "__proto__");
  await refused(() => readHeader({ x: { ...entry(), dtype: "constructor" } }), "checkpoint", "constructor");
});

test("a name twice is refused: which of the two counts differs from reader to reader", async () => {
  const one = JSON.stringify(entry());
  await refused(() => read(fileOf(`{"a": ${one}, "a": ${one}}`, EIGHT_BYTES)), "checkpoint", '"a" twice');
  await refused(() => read(fileOf(`{"a": ${one}, "\\u0061": ${one}}`, EIGHT_BYTES)), "checkpoint", '"a" twice');
  const other = '{"dtype": "F16", "shape": [2], "data_offsets": [0, 8], "dtype": "F32"}';
  await refused(() => read(fileOf(`{"a": ${other}}`, EIGHT_BYTES)), "checkpoint", '"dtype" twice');
});

test("a file that ends too early or too late", async () => {
  for (const size of [0, 1, 7])
    await refused(() => read(NARROW.slice(0, size)), "checkpoint", "model.safetensors", `${size} bytes`);
  await refused(() => read(NARROW.slice(0, 100)), "checkpoint", /claims \d+ bytes and the file has 100/);
  await refused(() => read(NARROW.slice(0, -1)), "checkpoint", "tensor", `the file has ${NARROW.length - 1}`);
  const longer = new Uint8Array(NARROW.length + 3);
  longer.set(NARROW);
  await refused(() => read(longer), "checkpoint", `end at byte ${NARROW.length} and the file at ${NARROW.length + 3}`);
});

test("a file that gets shorter while it is read", async () => {
  const entries = await readSafetensors({
    ...bytesSource(NARROW),
    read: async (start, end) => NARROW.slice(start, end > 60_000 ? end - 1 : end),
  });
  await refused(() => readFloats([...entries.values()].at(-1)!), "checkpoint", "ended inside tensor");
});

test("an absurdly long header is refused unread", async () => {
  for (const length of [100_000_001n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) {
    let bytesRead = 0;
    const source = bytesSource(fileOf("{}", EIGHT_BYTES, length));
    const counting = {
      ...source,
      size: 2 ** 52,
      read: (start: number, end: number) => {
        bytesRead += end - start;
        return source.read(start, end);
      },
    };
    await refused(() => readSafetensors(counting), "checkpoint", `${length} bytes`, "at most 100000000");
    // The length, and as much as tells a pointer of Git LFS.
    assert.is(bytesRead, 8 + POINTER.length);
  }
});

test("a header that is not a JSON object", async () => {
  for (const text of ["", "{", "{} x", "nonsense", "\ufeff{}", "\0".repeat(16)])
    await refused(() => read(fileOf(text, EIGHT_BYTES)), "checkpoint", "the header of model.safetensors is not JSON");
  for (const text of ["[]", "null", "1", '"x"'])
    await refused(() => read(fileOf(text, EIGHT_BYTES)), "checkpoint", "not a JSON object");
  await refused(() => read(fileOf(Uint8Array.of(0x7b, 0xff, 0x7d), EIGHT_BYTES)), "checkpoint", "not UTF-8");
  await refused(() => read(fileOf("[".repeat(200_000), EIGHT_BYTES)), "checkpoint", "not JSON");
  const nested = `{"a": ${"[".repeat(200_000)}${"]".repeat(200_000)}}`;
  await refused(() => read(fileOf(nested, EIGHT_BYTES)), "checkpoint", "tensor a", "nested too deeply");
  await refused(() => readHeader({ a: null }), "checkpoint", "tensor a is described by null");
});

test("overlaps, holes and tensors outside the file", async () => {
  const two = (a: number[], b: number[]) =>
    readHeader({ a: entry({ data_offsets: a }), b: entry({ data_offsets: b }) }, floats(1, 2, 3, 4));
  assert.is((await two([8, 16], [0, 8])).size, 2);
  await refused(() => two([0, 8], [0, 8]), "checkpoint", "tensor b begins at byte", "inside the tensor before it");
  await refused(() => two([0, 8], [4, 12]), "checkpoint", "tensor b begins at byte");
  await refused(() => two([0, 8], [8, 12]), "checkpoint", "tensor b [2] F32 takes 8 bytes and its data_offsets span 4");
  await refused(
    () => readHeader(header({ data_offsets: [4, 12] }), floats(1, 2, 3)),
    "checkpoint",
    "before tensor layer.weight, belong to no tensor",
  );
  for (const offsets of [
    [8, 16],
    [0, 16],
    [8, 0],
    [0, 2 ** 53 - 1],
    [2 ** 53 - 9, 2 ** 53 - 1],
  ])
    await refused(
      () => readHeader(header({ data_offsets: offsets })),
      "checkpoint",
      "tensor layer.weight lies at bytes",
      "the file has",
    );
  for (const offsets of [
    [-8, 0],
    [0.5, 8.5],
    [0],
    [0, 8, 8],
    "08",
    null,
    undefined,
    ["0", "8"],
    [0, 2 ** 53],
    [0, 1e300],
  ])
    await refused(
      () => readHeader(header({ data_offsets: offsets })),
      "checkpoint",
      "tensor layer.weight has data_offsets",
    );
});

test("shapes that are none, and products that overflow", async () => {
  for (const shape of [
    [-2],
    [-1, -2],
    [0.5, 4],
    [2 ** 53],
    [1e300],
    ["2"],
    [null],
    [[2]],
    "2",
    2,
    null,
    undefined,
    Array(9).fill(1),
  ])
    await refused(() => readHeader(header({ shape })), "checkpoint", "tensor layer.weight has shape");
  const huge = 2 ** 53 - 1;
  for (const shape of [[3], [huge], [huge, huge], Array(8).fill(huge), [2 ** 32, 2 ** 32], [2 ** 31, 2 ** 31, 4], [0]])
    await refused(
      () => readHeader(header({ shape })),
      "checkpoint",
      `tensor layer.weight [${shape}] F32 takes`,
      "span 8",
    );
});

test("an unknown dtype is named, with those that are known", async () => {
  for (const dtype of ["F65", "f32", "", 32, null, undefined, ["F32"]])
    await refused(() => readHeader(header({ dtype })), "checkpoint", "tensor layer.weight has dtype", "F16, BF16");
});

test("F32 to the bit, unaligned", async () => {
  const values = [1, -0, 0, 1e-45, -1e-45, 2 ** -126, 3.4028234663852886e38, Math.fround(0.1)];
  const entries = await read(
    safetensorsFile([
      ["odd", { dtype: "F16", shape: [1], bytes: new Uint8Array(2) }],
      ["x", { dtype: "F32", shape: [8], bytes: floats(...values) }],
    ]),
  );
  const found = Array.from(await readFloats(entries.get("x")!));
  assert.ok(
    found.every((value, i) => Object.is(value, Math.fround(values[i]!))),
    `${found}`,
  );
});

// Values from the tables of IEEE 754.
test("F16: every kind of number", async () => {
  const cases: [number, number][] = [
    [0x0000, 0],
    [0x8000, -0],
    [0x0001, 2 ** -24],
    [0x8001, -(2 ** -24)],
    [0x03ff, 1023 * 2 ** -24],
    [0x0400, 2 ** -14],
    [0x3555, 0.333251953125],
    [0x3c00, 1],
    [0x3c01, 1.0009765625],
    [0xc000, -2],
    [0x7bff, 65504],
    [0xfbff, -65504],
  ];
  const found = await halves("F16", ...cases.map(([pattern]) => pattern));
  for (const [i, [pattern, value]] of cases.entries())
    assert.ok(Object.is(found[i], value), `${pattern.toString(16)}: ${found[i]}`);
});

test("F16: all finite patterns are the DataView's", async () => {
  const patterns = Array.from({ length: 65_536 }, (_, i) => i).filter((i) => ((i >> 10) & 31) !== 31);
  const found = await halves("F16", ...patterns);
  // Magnitudes rise with the pattern, one step of the last place at a time.
  for (let i = 1; i < 0x7c00; i++) {
    const step = 2 ** (Math.max(1, i >> 10) - 25);
    assert.ok(found[i]! - found[i - 1]! === step || (i & 0x3ff) === 0, `pattern ${i}`);
    assert.is(found[i + 0x7c00], -found[i]!);
  }
});

test("BF16 is the upper half of a float32", async () => {
  const values = [0, -0, 1, -2, 2 ** -126, 2 ** -133, -(2 ** -133), 3.3895313892515355e38, 0.33398438];
  const patterns = values.map((value) => new Uint32Array(Float32Array.of(value).buffer)[0]! >>> 16);
  assert.equal(patterns.slice(0, 4), [0x0000, 0x8000, 0x3f80, 0xc000]);
  const found = await halves("BF16", ...patterns);
  for (const [i, value] of values.entries())
    assert.ok(Object.is(found[i], Math.fround(value)), `${value}: ${found[i]}`);
});

test("NaN and infinities are refused with tensor and element", async () => {
  for (const [dtype, nan, infinity] of [
    ["F16", 0x7e01, 0xfc00],
    ["BF16", 0x7fc1, 0xff80],
  ] as const) {
    await refused(() => halves(dtype, 0, nan), "checkpoint", "model.safetensors: tensor x holds NaN at element 1");
    await refused(() => halves(dtype, infinity), "checkpoint", "tensor x holds -Infinity at element 0");
  }
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const entries = await read(
      safetensorsFile([["h.3.weight", { dtype: "F32", shape: [3], bytes: floats(0, 0, value) }]]),
    );
    await refused(
      () => readFloats(entries.get("h.3.weight")!),
      "checkpoint",
      `tensor h.3.weight holds ${value} at element 2`,
    );
  }
});

test("NaN and infinities are found wherever they stand", async () => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
    for (let at = 0; at < 11; at++) {
      const values = Array.from({ length: 11 }, (_, i) => (i === at ? value : i % 2 ? -3.4e38 : -0));
      const entries = await read(safetensorsFile([["w", { dtype: "F32", shape: [11], bytes: floats(...values) }]]));
      await refused(() => readFloats(entries.get("w")!), "checkpoint", `tensor w holds ${value} at element ${at};`);
    }
});

test("a header of more values than any model has tensors is not parsed", async () => {
  const one = '{"dtype":"F32","shape":[0],"data_offsets":[0,0]}';
  const tensors = Array.from({ length: 200_000 }, (_, i) => `"${i}":${one}`);
  await refused(() => read(fileOf(`{${tensors}}`, floats())), "checkpoint", "header of model.safetensors", "1000000");
  assert.is((await read(fileOf(`{${tensors.slice(0, 20_000)}}`, floats()))).size, 20_000);
  await refused(() => read(fileOf(`{"a":[${"{},".repeat(2_000_000)}0]}`, floats())), "checkpoint", "1000000 values");
});

/** A small generator with a seed: mulberry32. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

test("4,000 damaged headers: a whole file or an error of ours", async () => {
  const sound = safetensorsFile(
    [
      ["a.weight", { dtype: "F32", shape: [2, 2], bytes: floats(1, 2, 3, 4) }],
      ["a.bias", { dtype: "F16", shape: [2], bytes: new Uint8Array(4) }],
      ["b", { dtype: "BF16", shape: [3], bytes: new Uint8Array(6) }],
    ],
    { format: "pt" },
  );
  const end = 8 + Number(Buffer.from(sound).readBigUInt64LE());
  const alphabet = Buffer.from('0123456789-+.eE"\\{}[]:, \0\xff', "latin1");
  const next = random(20_26);
  let whole = 0;
  let refusals = 0;
  for (let i = 0; i < 4000; i++) {
    const bytes = Array.from(sound);
    for (let damage = next(3); damage >= 0; damage--) {
      const at = next(20) === 0 ? next(8) : 8 + next(end - 8);
      const byte = next(4) === 0 ? next(256) : alphabet[next(alphabet.length)]!;
      const kind = next(4);
      if (kind <= 1) bytes[at] = byte;
      else if (kind === 2) bytes.splice(at, 1 + next(4));
      else bytes.splice(at, 0, byte);
    }
    if (next(2) === 0)
      Buffer.from(new BigUint64Array([BigInt(end - 8 + bytes.length - sound.length)]).buffer).forEach((byte, at) => {
        bytes[at] = byte;
      });
    try {
      const entries = await read(Uint8Array.from(bytes));
      assert.instance(entries, Map);
      for (const { start, end, shape } of entries.values())
        assert.ok(start <= end && end <= bytes.length && shape.every(Number.isSafeInteger));
      whole++;
    } catch (error) {
      if (!(error instanceof NoticeError)) throw error;
      assert.is(error.code, "checkpoint");
      refusals++;
    }
  }
  assert.ok(whole > 50 && refusals > 1000, `${whole} whole, ${refusals} refused`);
});

test.run();
