import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { towerSize } from "../../src/model/architecture.js";
import { blipVqa } from "../../src/model/blip-vqa.js";
import { endsOf, forward } from "../../src/model/pass.js";
import { atOnce } from "../../src/model/steps.js";
import { SITES, type Site } from "../../src/patching/sites.js";
import { siteOf } from "../support/blip-vqa.js";
import { difference, Fixture, type RunName } from "../support/fixture.js";

const TOLERANCE = 1e-4;

/** Of the recorded answers; ours go on. */
const MAX_NEW_TOKENS = 8;

/** How many values the layers of a model have at some sites. */
const countValues = ({ model }: Fixture, sites: readonly Site[]) =>
  sites.reduce((count, site) => count + towerSize(model, siteOf(site).tower).layers, 0);

/** Compares every site that Hugging Face recorded under `name`; returns how many there were. */
async function compareSites(fixture: Fixture, name: string, decoderIds?: number[]): Promise<number> {
  using run = await fixture.run(name === "clean4" ? "clean" : (name as RunName), decoderIds);
  let sites = 0;
  for (const key of fixture.entries.keys()) {
    const [, of, tower, layer, site] = /^(\w+)\/(\w+)\.(\d+)\.(.+)$/.exec(key) ?? [];
    if (of !== name) continue;
    const off = difference(run.at(`${tower}.${site}` as Site, { layer: Number(layer) }), await fixture.tensor(key));
    assert.ok(off <= TOLERANCE, `${key} is off by ${off}`);
    sites++;
  }
  const logits = tf.reshape(await fixture.tensor(`${name}/logits`), [-1, fixture.model.config.text.vocab_size]);
  const last = tf.slice(logits, [logits.shape[0]! - 1, 0], [1, logits.shape[1]!]);
  assert.ok(difference(run.logits, last) <= TOLERANCE, `${name}: logits`);
  return sites;
}

for (const name of ["narrow", "wide"]) {
  test(`${name}: every site of every tower equals Hugging Face's`, async () => {
    const fixture = await Fixture.load(name);
    for (const run of ["clean", "corruptImage", "corruptQuestion"])
      assert.is(await compareSites(fixture, run), countValues(fixture, SITES));
  });

  test(`${name}: the decoder hides later tokens`, async () => {
    const fixture = await Fixture.load(name);
    const sites = SITES.filter((site) => siteOf(site).tower === "decoder");
    const compared = await compareSites(fixture, "clean4", fixture.expected.runs.clean4.decoderIds);
    assert.is(compared, countValues(fixture, sites));
  });

  test(`${name}: a row of a batch equals the run by itself`, async () => {
    const fixture = await Fixture.load(name);
    const { model } = fixture;
    const clean = await fixture.inputs("clean");
    const corrupt = await fixture.inputs("corruptImage");
    const logits = (pixels: tf.Tensor, ids: tf.Tensor) => tf.tidy(() => atOnce(forward(model, { pixels, ids })).logits);
    const together = logits(tf.concat([clean.pixels, corrupt.pixels]), tf.concat([clean.ids, corrupt.ids]));
    assert.ok(difference(tf.slice(together, [0, 0], [1, -1]), logits(clean.pixels, clean.ids)) <= 1e-5);
    assert.ok(difference(tf.slice(together, [1, 0], [1, -1]), logits(corrupt.pixels, corrupt.ids)) <= 1e-5);
  });
}

test("without an output matrix the decoder's word embeddings read the answer; F16", async () => {
  assert.is(await compareSites(await Fixture.load("tied"), "clean"), 0, "the logits alone are recorded");
});

for (const name of ["narrow", "wide", "tied"])
  test(`${name}: greedy answers are Hugging Face's`, async () => {
    const fixture = await Fixture.load(name);
    const { model, expected } = fixture;
    const { sep_token_id } = model.config.text;
    for (const { image, ids, output } of expected.generate) {
      const pixels = await fixture.pixels(image);
      const ends = tf.tidy(() =>
        endsOf(atOnce(forward(model, { pixels, ids: tf.tensor2d([ids], undefined, "int32") }))),
      );
      const answer = output.slice(1, output.at(-1) === sep_token_id ? -1 : undefined);
      const [generated] = await blipVqa.readout.say(model, ends);
      assert.equal(generated!.slice(0, MAX_NEW_TOKENS), answer);
    }
  });

test.run();
