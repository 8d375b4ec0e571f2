import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ModelConfig } from "../../src/checkpoint/format.js";
import type { Learned, Tower } from "../../src/model/architecture.js";
import { sitesOf } from "../../src/patching/sites.js";
import { DECODERS, Decoder } from "../support/decoders.js";
import { difference } from "../support/fixture.js";

const TOLERANCE = 1e-4;

for (const name of DECODERS) {
  test(`${name}: pixels and ids are Hugging Face's`, async () => {
    const { model, expected, ...fixture } = await Decoder.load(name);
    const decoder = await Decoder.load(name);
    for (const [run, recorded] of Object.entries(expected.questions)) {
      const pixels = await model.pixels(decoder.picture(recorded.picture));
      const stored = decoder.entries.has(`${run}/pixels`) ? run : "clean";
      assert.is(difference(pixels, await decoder.tensor(`${stored}/pixels`)), 0, `${run}: pixels`);
      using read = await model.run({ image: decoder.picture(recorded.picture), question: recorded.question });
      const asked = await model.ask({ image: decoder.picture(recorded.picture), question: recorded.question });
      assert.equal(asked.tokens, recorded.tokens, `${run}: tokens`);
      const off = difference(tf.squeeze(read.logits), await decoder.tensor(`${run}/logits`));
      assert.ok(off <= TOLERANCE, `${run}: logits are off by ${off}`);
    }
    assert.ok(fixture);
  });

  test(`${name}: every site of every layer is Hugging Face's`, async () => {
    const decoder = await Decoder.load(name);
    const { question, picture } = decoder.expected.questions.clean;
    using run = await decoder.model.run({ image: decoder.picture(picture), question });
    const stored = [...decoder.entries.keys()].filter((key) => /^clean\/\w+\.\d/.test(key));
    const compared = new Set<string>();
    for (const key of stored) {
      const [, tower, layer, within] = /^clean\/(\w+)\.(\d+)\.(.+)$/.exec(key) as unknown as [
        string,
        string,
        string,
        string,
      ];
      const site = `${tower}.${within}` as Parameters<typeof run.at>[0];
      const off = difference(run.at(site, { layer: Number(layer) }), await decoder.tensor(key));
      assert.ok(off <= TOLERANCE, `${key} is off by ${off}`);
      compared.add(site);
    }
    assert.equal([...compared].sort(), sitesOf(decoder.model.architecture).sort());
  });

  test(`${name}: a position of the picture goes into the row that is said, and into no other`, async () => {
    const { model } = await Decoder.load(name);
    const { takes } = model.architecture.towers.text as Tower;
    const { names, size } = model.architecture.towers[takes!.tower] as Tower;
    const learned = model as unknown as Learned<ModelConfig, object>;
    const [count, { width }] = [names(model.config, 2).length, size(model.config)];
    const rowsOf = (last: tf.Tensor) => tf.squeeze<tf.Tensor2D>(takes!.rows(learned, last), [0]).arraySync();
    const last = tf.randomNormal([1, count, width], 0, 1, "float32", 5);
    const before = rowsOf(last);
    for (let token = 0; token < count; token++) {
      const other = tf.where(tf.equal(tf.expandDims(tf.range(0, count), -1), token), tf.neg(last), last);
      const after = rowsOf(other);
      const changed = before.flatMap((row, at) => (row.every((value, i) => value === after[at]![i]) ? [] : [at]));
      const row = takes!.rowOf(model.config, token);
      assert.equal(changed, row === undefined ? [] : [row], `token ${token}`);
    }
  });

  test(`${name}: greedy answers are Hugging Face's`, async () => {
    const decoder = await Decoder.load(name);
    for (const { question, picture, text, generated } of Object.values(decoder.expected.questions)) {
      const { answer, top } = await decoder.model.ask({ image: decoder.picture(picture), question });
      assert.is(top[0]!.id, generated[0]);
      assert.ok(
        answer.trim().startsWith(text),
        `${JSON.stringify(answer)} begins otherwise than ${JSON.stringify(text)}`,
      );
    }
  });

  test(`${name}: answers are read as they continue the prompt; texts become Hugging Face's ids and back`, async () => {
    const { model, expected } = await Decoder.load(name);
    for (const [answer, id] of Object.entries(expected.answers)) assert.is(model.answer(answer).id, id);
    for (const { text, ids, decoded } of expected.texts) {
      assert.equal(model.tokenizer.encode(text).ids, ids, JSON.stringify(text));
      assert.is(model.tokenizer.decode(ids), decoded);
    }
  });
}

test.run();
