import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { NoticeErrorCode } from "../../src/base/errors.js";
import { type Cut, knockOut, sweepKnockOut } from "../../src/patching/knock-out.js";
import { loadBlip } from "../../src/patching/load-model.js";
import type { Model } from "../../src/patching/model.js";
import type { Pair } from "../../src/patching/pair.js";
import { patch } from "../../src/patching/patch.js";
import { changed } from "../../src/patching/sources.js";
import { Decoder } from "../support/decoders.js";
import { FIXTURES, readJson } from "../support/fixture.js";
import { refused } from "../support/refused.js";
import { ANSWERS, CLEAN_IMAGE, CLEAN_QUESTION, CORRUPT_IMAGE, NARROW } from "../support/samples.js";

type Recorded = Cut & { readonly logitDiff: number; readonly prob: number };

async function openPair(name: string): Promise<{ model: Model; pair: Pair }> {
  if (name === "narrow") {
    const model = (await loadBlip(NARROW)) as unknown as Model;
    const [image, corruptImage] = [CLEAN_IMAGE, CORRUPT_IMAGE];
    return { model, pair: await model.pair({ image, corruptImage, question: CLEAN_QUESTION, answers: ANSWERS }) };
  }
  const loaded = await Decoder.load(name);
  const [image, corruptImage] = [loaded.picture("clean"), loaded.picture("corrupt")];
  const { question } = loaded.expected.questions.clean;
  const pair = await loaded.model.pair({ image, corruptImage, question, answers: ["red", "blue"] });
  return { model: loaded.model, pair };
}

for (const name of ["narrow", "idefics3", "smolvlm", "llava-grouped"])
  test(`${name}: a cut gives what transformers gives with scores of minus infinity`, async () => {
    const { model, pair } = await openPair(name);
    using _ = model;
    using __ = pair;
    const before = tf.memory().numTensors;
    let largest = 0;
    for (const { logitDiff, prob, ...cut } of readJson(`${FIXTURES}/${name}/knockouts.json`) as Recorded[]) {
      const found = await knockOut(pair, cut);
      const change = logitDiff - pair.readings.clean.logitDiff;
      largest = Math.max(largest, Math.abs(change));
      assert.ok(
        Math.abs(found.logitDiff - change) <= 1e-4,
        `${JSON.stringify(cut)}: ${found.logitDiff}, not ${change}`,
      );
      assert.ok(Math.abs(found.prob - prob) <= 1e-4);
      const { corrupted, clean } = pair.readings;
      assert.ok(Math.abs(found.effect! - change / (corrupted.logitDiff - clean.logitDiff)) <= 1e-3);
    }
    assert.ok(largest > 0.1, "some cut should change the answer");
    assert.is(tf.memory().numTensors, before);
  });

test("what sees one token alone gives that token's value, whatever the pattern was", async () => {
  const { model, pair } = await openPair("narrow");
  using _ = model;
  using __ = pair;
  const place = { site: "text.cross.z", layer: 1, position: 4 } as const;
  const [others, only] = [Array.from({ length: 16 }, (_, i) => i), 16];
  const cut = await knockOut(pair, { site: "text.cross.pattern", from: 4, to: others, layers: [1, 1] });
  const values = pair.clean.at("text.cross.v", { layer: 1 });
  const row = changed((z) => tf.tile(tf.slice(values, [only, 0, 0], [1, -1, -1]), [z.shape[0]!, 1, 1]));
  const patched = await patch(pair, [place], { direction: "noise", source: row });
  values.dispose();
  assert.ok(Math.abs(cut.logitDiff - patched.logitDiff) <= 1e-5);
  assert.ok(Math.abs(cut.logitDiff) > 1e-3);
});

test("windows go along the layers, and two cuts at once are both made", async () => {
  const { model, pair } = await openPair("llava-grouped");
  using _ = model;
  using __ = pair;
  const cut = { site: "text.self.pattern", from: "last", to: "image" } as const;
  const near = (a: number, b: number) => assert.ok(Math.abs(a - b) <= 1e-5, `${a} and ${b}`);
  for (const [window, layers] of [
    [
      1,
      [
        [0, 0],
        [1, 1],
        [2, 2],
      ],
    ],
    [
      2,
      [
        [0, 0],
        [0, 1],
        [1, 2],
      ],
    ],
    [
      3,
      [
        [0, 1],
        [0, 2],
        [1, 2],
      ],
    ],
  ] as const) {
    const scores = await sweepKnockOut(pair, cut, { window });
    assert.equal([scores.facts.axes, scores.facts.shape, scores.facts.direction], [["layer"], [3], "noise"]);
    for (const [layer, one] of layers.entries())
      near(scores.at("logitDiff", layer)!, (await knockOut(pair, { ...cut, layers: one })).logitDiff);
  }
  const head = (head: number) => ({ ...cut, head, layers: [1, 2] as const });
  const both = await knockOut(pair, [head(0), head(3)]);
  near(both.logitDiff, (await knockOut(pair, { ...cut, heads: [0, 3], layers: [1, 2] })).logitDiff);
  // A cut of a set is that of its parts together.
  const last = pair.question.ids.length - 1;
  const to = [1, 2, 3];
  const parts = await knockOut(
    pair,
    to.map((key) => ({ ...cut, from: last, to: key })),
  );
  near(parts.logitDiff, (await knockOut(pair, { ...cut, from: last, to })).logitDiff);
});

test("what cannot be cut is refused by name", async () => {
  const { model, pair } = await openPair("narrow");
  using _ = model;
  using __ = pair;
  const cut = { site: "text.cross.pattern", from: "answer", to: [3] } as const;
  const no = (given: object, code: NoticeErrorCode, words: string) =>
    refused(() => knockOut(pair, given as Cut), code, words);
  await no({ ...cut, site: "text.cross.z" }, "site", "text.cross.z is no attention");
  await no({ ...cut, to: "all" }, "options", "leaves the token 3 nothing to attend to");
  await no({ ...cut, to: "red" }, "site", "a word");
  await no({ ...cut, from: 99 }, "site", "99");
  await no({ ...cut, to: 99 }, "site", "99");
  await no({ site: cut.site, from: 1 }, "options", "A cut has tokens");
  await no({ ...cut, layers: [1, 0] }, "site", "no window");
  await no({ ...cut, layers: [0, 7] }, "site", "There is no layer 2");
  await no({ ...cut, layer: 1 }, "options", "layer");
  await refused(() => knockOut(pair, []), "options", "Nothing is cut");
  await refused(() => sweepKnockOut(pair, cut, { window: 9 }), "options", "window is 9");
  await refused(() => sweepKnockOut(pair, { ...cut, layers: [0, 1] } as typeof cut), "options", "leave layers out");
  const causal = await openPair("smolvlm");
  using ___ = causal.model;
  using ____ = causal.pair;
  const self = { site: "text.self.pattern", layers: [0, 0] } as const;
  await refused(() => knockOut(causal.pair, { ...self, from: 2, to: 5 }), "options", "cuts nothing");
  await refused(() => knockOut(causal.pair, { ...self, from: "all", to: 0 }), "options", "leaves the token 0 nothing");
});

test.run();
