import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { backPatching, fromLayer } from "../../src/patching/back-patching.js";
import { edit } from "../../src/patching/edits.js";
import { logitDifference } from "../../src/patching/metrics.js";
import { patch } from "../../src/patching/patch.js";
import { Decoder } from "../support/decoders.js";
import { refused } from "../support/refused.js";

test("idefics3: later states of the picture's tokens in an earlier layer, as an edit puts them there", async () => {
  const decoder = await Decoder.load("idefics3");
  const { model, expected } = decoder;
  using _ = model;
  const { question } = expected.questions.clean;
  const image = decoder.picture("clean");
  using pair = await model.pair({
    image,
    corruptQuestion: expected.questions.corruptQuestion.question,
    question,
    answers: ["red", "blue"],
  });
  const place = { site: "text.resid_post", position: "image" } as const;
  const seen: [number, number][] = [];
  const found = await backPatching(pair, place, { onProgress: (...done) => seen.push(done) });
  const { layers } = model.towers.text!;
  const expectedPlaces = Array.from({ length: layers }, (_, i) => layers - 1 - i).flatMap((from) =>
    Array.from({ length: from }, (_, to) => `${from} to ${to}`),
  );
  assert.equal(
    found.map(({ from, to }) => `${from} to ${to}`),
    expectedPlaces,
  );
  assert.equal(seen.at(-1), [found.length, found.length]);
  for (const { from, to, logitDiff } of found) {
    const value = pair.clean.at("text.resid_post", { layer: from });
    using edited = await model.run({
      image,
      question,
      edits: [edit("text.resid_post", { layer: to, position: "image" }, () => value)],
    });
    const said = tf.tidy(() => logitDifference(pair.answers)(edited.logits).dataSync()[0]!);
    const gain = said - pair.readings.clean.logitDiff;
    assert.ok(Math.abs(logitDiff - gain) < 1e-4, `${from} to ${to}: ${logitDiff}, not ${gain}`);
    value.dispose();
  }
  assert.ok(
    found.some(({ logitDiff }) => Math.abs(logitDiff) > 1e-3),
    "some changes the answer",
  );
  const source = fromLayer(pair.clean, layers);
  const to = [{ ...place, layer: 0 }];
  await refused(() => patch(pair, to, { direction: "noise", source }), "site", `no layer ${layers}`);
  await refused(() => backPatching(pair, { ...place, layer: 1 } as never), "options", "layer");
});

test.run();
