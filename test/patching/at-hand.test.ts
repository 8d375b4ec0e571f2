import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { edit } from "../../src/patching/edits.js";
import { loadBlip, loadModel } from "../../src/patching/load-model.js";
import type { Model } from "../../src/patching/model.js";
import { type HeadSite, type Site, sitesOf } from "../../src/patching/sites.js";
import { Decoder } from "../support/decoders.js";
import { difference, FIXTURES } from "../support/fixture.js";
import { refused } from "../support/refused.js";
import { CLEAN_IMAGE, CLEAN_QUESTION, NARROW } from "../support/samples.js";

const CASES = {
  "blip-vqa": async () => ({
    model: (await loadBlip(NARROW)) as unknown as Model,
    image: CLEAN_IMAGE,
    question: CLEAN_QUESTION,
  }),
  "blip-itm": async () => ({
    model: await loadModel(`${FIXTURES}/itm-small`, { warn() {} }),
    image: `${FIXTURES}/itm-small/clean.png`,
    question: "a red star",
  }),
  smolvlm: () => decoder("smolvlm"),
  "llava-grouped": () => decoder("llava-grouped"),
};

async function decoder(name: string) {
  const { model, expected, ...loaded } = await Decoder.load(name);
  return { model, image: `${loaded.folder}/clean.png`, question: expected.questions.clean.question };
}

for (const [name, load] of Object.entries(CASES)) {
  test(`${name}: a cache is what is read one by one, chosen by site or by a function, and goes with its run`, async () => {
    const { model, ...asked } = await load();
    using _ = model;
    const tower = model.architecture.readout.tower;
    const edits = [edit(`${tower}.self.z` as "text.self.z", { layer: 0 }, (z) => tf.mul(z, 0.5))];
    const before = tf.memory().numTensors;
    {
      using run = await model.run({ ...asked, edits });
      const all = run.cache();
      const sites = sitesOf(model.architecture);
      const layers = (site: string) => model.towers[site.split(".")[0]!]!.layers;
      assert.is(
        all.size,
        sites.reduce((sum, site) => sum + layers(site), 0),
      );
      for (const [name, value] of all) {
        const [, site, layer] = /^(.+):L(\d+)$/.exec(name) as unknown as [string, Site, string];
        const read = run.at(site, { layer: Number(layer) });
        assert.is(difference(read, value), 0, name);
        read.dispose();
      }
      const chosen = run.cache([`${tower}.self.z` as Site]);
      assert.is(chosen.size, model.towers[tower]!.layers);
      assert.is(chosen.get(`${tower}.self.z:L0`), all.get(`${tower}.self.z:L0`), "computed once");
      assert.equal(
        [...run.cache((site, layer) => site.endsWith("resid_post") && layer === 0).keys()].length,
        Object.keys(model.towers).length,
      );
      await refused(() => run.cache(["blocks.0.attn.hook_z" as Site]), "site", ".self.z");
      await refused(() => run.cache("text.self.z" as never), "options", "a list of sites");
    }
    assert.is(tf.memory().numTensors, before);
  });

  test(`${name}: unembedding the last stream is the answer's logits`, async () => {
    const { model, ...asked } = await load();
    using _ = model;
    const { tower } = model.architecture.readout;
    using run = await model.run(asked);
    const last = run.at(`${tower}.resid_post` as Site, { layer: model.towers[tower]!.layers - 1 });
    const rows = model.unembed(last);
    const at = model.architecture.name === "blip-itm" ? 0 : rows.shape[0]! - 1;
    const row = tf.slice(rows, [at, 0], [1, -1]);
    assert.ok(difference(row, run.logits) <= 1e-4);
    const one = tf.tidy(() => model.unembed(tf.squeeze(tf.slice(last, [at, 0], [1, -1]))));
    assert.equal(one.shape, run.logits.shape.slice(1));
    await refused(() => model.unembed(tf.zeros([2, 3])), "options", "width");
    tf.dispose([last, rows, row, one]);
  });

  test(`${name}: a head writes z O, and of queries and keys it makes QK`, async () => {
    const { model, ...asked } = await load();
    using _ = model;
    using run = await model.run(asked);
    for (const [tower, { layers, heads, keyValueHeads, headDim, width }] of Object.entries(model.towers))
      for (const kind of ["self", "cross"]) {
        const site = `${tower}.${kind}.z` as Site;
        if (!sitesOf(model.architecture).includes(site)) continue;
        const layer = layers - 1;
        const head = heads - 1;
        using weights = model.headWeights(site as HeadSite, { layer, head });
        assert.equal(weights.Q.shape, [width, headDim]);
        assert.equal(weights.O.shape, [headDim, width]);
        assert.is(keyValueHeads <= heads, true);
        // Without any other head, only a bias stands beside what this one writes.
        const bare = async (change: (z: tf.Tensor) => tf.Tensor) => {
          using edited = await model.run({ ...asked, edits: [edit(site as "text.self.z", { layer }, change)] });
          return edited.at(`${tower}.${kind}.out` as Site, { layer });
        };
        const alone = await bare((z) => {
          const only = tf.oneHot(head, heads);
          return tf.mul(z, tf.reshape(tf.cast(only, "float32"), [1, heads, 1]));
        });
        const none = await bare(tf.zerosLike);
        const off = tf.tidy(() => {
          const z = run.at(site, { layer });
          const own = tf.reshape(tf.slice(z, [0, head, 0], [-1, 1, -1]), [-1, headDim]) as tf.Tensor2D;
          return difference(tf.matMul(own, weights.O), tf.sub(alone, none));
        });
        assert.ok(off <= 1e-4, `${site} is off by ${off}`);
        const products = tf.tidy(() => [
          difference(weights.OV, tf.matMul(weights.V, weights.O)),
          difference(weights.QK, tf.matMul(weights.Q, weights.K, false, true)),
        ]);
        assert.ok(Math.max(...products) <= 1e-5);
        tf.dispose([alone, none]);
      }
    await refused(() => model.headWeights("text.resid_post" as HeadSite, { layer: 0, head: 0 }), "site");
  });
}

test("keys and values of a shared head are the same for the heads that share it", async () => {
  const { model } = await Decoder.load("llava-grouped");
  using _ = model;
  const { heads, keyValueHeads } = model.towers.text!;
  assert.ok(keyValueHeads < heads);
  const each = heads / keyValueHeads;
  using first = model.headWeights("text.self.z", { layer: 0, head: 0 });
  using same = model.headWeights("text.self.z", { layer: 0, head: each - 1 });
  using other = model.headWeights("text.self.z", { layer: 0, head: each });
  assert.is(difference(first.V, same.V), 0);
  assert.ok(difference(first.V, other.V) > 0);
  await refused(() => model.headWeights("text.self.z", { layer: 0, head: heads }), "site", `no head ${heads}`);
});

test.run();
