import { inspect } from "node:util";
import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadBlip } from "../../src/patching/load-model.js";
import { sweep } from "../../src/patching/sweep.js";
import { NARROW, samplePair } from "../support/samples.js";

test("console.log prints facts of models, pairs, runs and scores, and leaves tensors as they are", async () => {
  const tensors = inspect(tf.Tensor.prototype);
  using blip = await loadBlip(NARROW, { backend: "wasm" });
  using pair = await samplePair(blip, "image");
  const scores = await sweep(pair, { site: "text.cross.z" });
  assert.is(inspect(blip), `blip-vqa ${NARROW}: layers x heads vision 3 x 2, text 2 x 4, decoder 2 x 4; on wasm`);
  const { clean, corrupted } = pair.readings;
  const said = `logit difference ${clean.logitDiff.toFixed(2)} clean, ${corrupted.logitDiff.toFixed(2)} corrupted`;
  assert.is(
    inspect(pair),
    `Pair "Is it red or striped?", red or striped (read as "stri"), the image corrupted: ${said}`,
  );
  const count = pair.clean.activations.streams.vision![0]!.shape[1];
  assert.is(inspect([pair.clean]), `[ Run of blip-vqa over tokens: vision ${count}, text 9, decoder 1 ]`);
  const [, largest] =
    /^Scores of text\.cross\.z \[2, 4, 9\] over layer, head, token: denoise, the image corrupted; .* clean, .* corrupted; largest effect (.*)$/.exec(
      inspect(scores),
    )!;
  const [, value, layer, head, token] = /^(\S+) at layer (\d), head (\d), token (\d) \(/.exec(largest!)!;
  const all = (scores.table("effect") as number[][][]).flat(2).map(Math.abs);
  assert.is(Math.abs(scores.at("effect", Number(layer), Number(head), Number(token))!), Math.max(...all));
  assert.is(Number(value).toFixed(3), scores.at("effect", Number(layer), Number(head), Number(token))!.toFixed(3));
  pair[Symbol.dispose]();
  assert.is(inspect(pair.clean), "Run, disposed of");
  assert.is(inspect(tf.Tensor.prototype), tensors);
});

test.run();
