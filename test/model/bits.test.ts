import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { narrowed, widened } from "../../src/checkpoint/half.js";
import { attribute } from "../../src/patching/attribute.js";
import { loadModel } from "../../src/patching/load-model.js";
import type { Model } from "../../src/patching/model.js";
import { mainSites } from "../../src/patching/sites.js";
import { sweep } from "../../src/patching/sweep.js";
import { type StoredTensor, temporaryFolder, writeCheckpoint } from "../support/checkpoint.js";
import { DECODERS, Decoder } from "../support/decoders.js";
import { difference, FIXTURES, Fixture, readJson } from "../support/fixture.js";
import { refused } from "../support/refused.js";

const QUIET = { warn: () => undefined };

const TOLERANCE = 1e-4;
/** What rounding to float16 may do to the logits of a fixture in 32 bits, of which the largest is above 2. */
const ROUNDING = 1e-2;

/** A fixture whose matrices are stored otherwise. */
function stored(from: string, restore: (tensor: StoredTensor) => StoredTensor): string {
  return writeCheckpoint(
    temporaryFolder(),
    ({ tensors, files }) => {
      for (const [name, tensor] of tensors) if (tensor.shape.length === 2) tensors.set(name, restore(tensor));
      files["special_tokens_map.json"] = JSON.stringify(readJson(join(FIXTURES, from, "special_tokens_map.json")));
    },
    from,
  );
}

const floatsOf = ({ bytes }: StoredTensor) => new Float32Array(bytes.slice().buffer);

/** The float16 next to each value, in float32 again; what is stored in 16 bits as it is. */
function rounded(tensor: StoredTensor): StoredTensor {
  if (tensor.dtype !== "F32") return tensor;
  return { ...tensor, bytes: new Uint8Array(widened(narrowed(floatsOf(tensor))!, "F16").buffer) };
}

/** As bfloat16, cut off. */
function cut(tensor: StoredTensor): StoredTensor {
  const bits = Uint16Array.from(new Uint32Array(tensor.bytes.slice().buffer), (wide) => wide >>> 16);
  return { ...tensor, dtype: "BF16", bytes: new Uint8Array(bits.buffer) };
}

/** What a model says of a fixture's two pictures, in every kind of pass. */
async function results(model: Model, from: string): Promise<unknown[]> {
  const folder = join(FIXTURES, from);
  const [image, corruptImage] = [join(folder, "clean.png"), join(folder, "corrupt.png")];
  const classes = model.architecture.readout.classes;
  const question = classes ? "a red star" : "is this star red or blue?";
  const answers = classes ? undefined : (["red", "blue"] as const);
  using pair = await model.pair({ image, corruptImage, question, ...(answers && { answers }) } as never);
  const [first] = mainSites(model.architecture);
  const found: unknown[] = [];
  for (const site of mainSites(model.architecture)) found.push((await sweep(pair, { site })).toJSON());
  found.push((await attribute(pair, { site: first! })).toJSON());
  found.push(await model.ask({ image, question }));
  using weights = model.headWeights(first as "text.self.z", { layer: 0, head: 0 });
  return [...found, await weights.OV.array()];
}

/** Where two results begin to differ, the folders aside; uvu would compare them for minutes. */
function firstDifference(found: unknown, expected: unknown): string | undefined {
  const [a, b] = [found, expected].map((all) => JSON.stringify(all).replaceAll(/"[^"]*notice-test-[^"]*"/g, "0"));
  if (a === b) return undefined;
  const at = [...a!].findIndex((character, i) => character !== b![i]);
  return `${a!.slice(at - 80, at + 40)} where ${b!.slice(at - 80, at + 40)} was expected`;
}

for (const from of ["narrow", "itm-full", "caption-small"])
  test(`${from}: 16 bits are the model whose matrices are rounded to float16, bit for bit`, async () => {
    const [wideFolder, halfFolder] = [stored(from, rounded), stored(from, (tensor) => tensor)];
    using wide = await loadModel(wideFolder, QUIET);
    using half = await loadModel(halfFolder, { ...QUIET, bits: 16 });
    const before = tf.memory().numTensors;
    const [found, expected] = [await results(half, from), await results(wide, from)];
    assert.is(tf.memory().numTensors, before);
    assert.is(firstDifference(found, expected), undefined);
  });

test("a checkpoint in 16 bits loses nothing", async () => {
  const folder = stored("narrow", cut);
  using wide = await loadModel(folder, QUIET);
  using half = await loadModel(folder, { ...QUIET, bits: 16 });
  assert.is(firstDifference(await results(half, "narrow"), await results(wide, "narrow")), undefined);
});

for (const name of DECODERS)
  test(`${name}: logits in 16 bits are Hugging Face's`, async () => {
    const decoder = await Decoder.load(name, { bits: 16 });
    for (const [run, { question, picture }] of Object.entries(decoder.expected.questions)) {
      using read = await decoder.model.run({ image: decoder.picture(picture), question });
      const off = difference(tf.squeeze(read.logits), await decoder.tensor(`${run}/logits`));
      assert.ok(off <= TOLERANCE, `${run}: off by ${off}`);
    }
  });

// What is stored in 32 bits is rounded; "wide" is stored in 16.
for (const [name, most] of [
  ["narrow", ROUNDING],
  ["wide", TOLERANCE],
] as const)
  test(`${name}: logits in 16 bits are Hugging Face's within ${most}`, async () => {
    const fixture = await Fixture.load(name);
    using model = await loadModel(join(FIXTURES, name), { ...QUIET, bits: 16 });
    const question = fixture.expected.questions.clean!;
    using read = await (model as Model).run({ image: join(FIXTURES, name, "clean.png"), question });
    const logits = tf.reshape(await fixture.tensor("clean/logits"), read.logits.shape);
    const off = difference(read.logits, logits);
    assert.ok(off <= most, `off by ${off}`);
  });

test("matrices stand outside the backend, at two bytes a value; what float16 can't hold stays as it is", async () => {
  const bytesOf = async (folder: string, bits: 16 | 32, warn: (message: string) => void = () => undefined) => {
    const before = tf.memory();
    using model = await loadModel(folder, { warn, bits });
    const { numBytes, numTensors } = tf.memory();
    assert.ok(model.name);
    return { bytes: numBytes - before.numBytes, tensors: numTensors - before.numTensors };
  };
  const folder = stored("narrow", (tensor) => tensor);
  const [wide, half] = [await bytesOf(folder, 32), await bytesOf(folder, 16)];
  assert.ok(half.bytes < 0.3 * wide.bytes, `${half.bytes} of ${wide.bytes} bytes are left on the backend`);
  const query = "text_encoder.encoder.layer.0.attention.self.query.weight";
  const large = writeCheckpoint(temporaryFolder(), ({ tensors }) => {
    const tensor = tensors.get(query)!;
    const values = floatsOf(tensor);
    values[3] = 70_000;
    tensors.set(query, { ...tensor, bytes: new Uint8Array(values.buffer) });
  });
  const told: string[] = [];
  assert.is((await bytesOf(large, 16, (message) => told.push(message))).tensors, half.tensors + 1);
  assert.equal(told, [`${large}: ${query} holds a value that float16 can't, and stays in 32 bits.`]);
});

test("16 or 32, and nothing else", async () => {
  await refused(
    () => loadModel(join(FIXTURES, "narrow"), { bits: 8 as never }),
    "options",
    "bits is 8; 16 or 32 was expected",
  );
});

test.run();
