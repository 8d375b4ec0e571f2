import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openPool } from "../../src/executors/processes.js";
import { loadBlip } from "../../src/patching/load-model.js";
import { divergence, type Metrics, rank } from "../../src/patching/metrics.js";
import type { Pair } from "../../src/patching/pair.js";
import { patch, patchMetrics } from "../../src/patching/patch.js";
import { Scores } from "../../src/patching/scores.js";
import type { Selection } from "../../src/patching/selection.js";
import type { HeadSite } from "../../src/patching/sites.js";
import { changed, type Source, zero } from "../../src/patching/sources.js";
import { sweep, sweepTogether } from "../../src/patching/sweep.js";
import { Decoder } from "../support/decoders.js";
import { refused } from "../support/refused.js";
import { ANSWERS, CLEAN_IMAGE, CLEAN_QUESTION, CORRUPT_IMAGE, NARROW, samplePair } from "../support/samples.js";

const near = (found: number | null, expected: number, what: string) =>
  assert.ok(Math.abs(found! - expected) <= 1e-4, `${what}: ${found} where ${expected} was expected`);

const metricsOf = ({ answers, clean }: Pair): Metrics<"rank" | "kl" | "largest"> => ({
  rank: rank(answers.correct),
  kl: divergence(clean.logits),
  largest: (logits) => tf.max(logits, -1),
});

async function decoderPair(name: string): Promise<Pair> {
  const decoder = await Decoder.load(name);
  const { question } = decoder.expected.questions.clean;
  const [image, corruptImage] = [decoder.picture("clean"), decoder.picture("corrupt")];
  return decoder.model.pair({ image, corruptImage, question, answers: ["red", "blue"] });
}

const PAIRS = {
  "blip-vqa": async () => (await samplePair(await loadBlip(NARROW), "image")) as Pair,
  smolvlm: () => decoderPair("smolvlm"),
};

for (const [name, load] of Object.entries(PAIRS)) {
  test(`${name}: a sweep's own metrics are those of one patch at a time, of both ways through it`, async () => {
    using pair = await load();
    const metrics = metricsOf(pair);
    const before = tf.memory().numTensors;
    const last = pair.question.ids.length - 1;
    for (const [site, position] of [
      ["text.self.z", [1, last]],
      ["text.self.k", [1, last]],
      ["vision.self.z", "all"],
    ] as const) {
      const scores = await sweep(pair, { site, layers: 0, heads: 1, position }, { direction: "noise", metrics });
      const plain = await sweep(pair, { site, layers: 0, heads: 1, position }, { direction: "noise" });
      for (const token of position === "all" ? [undefined] : position) {
        const index = token === undefined ? [0, 1] : [0, 1, token];
        const place = { site, layer: 0, head: 1, position: token ?? "all" } as Selection;
        const expected = await patchMetrics(pair, [place], metrics, { direction: "noise" });
        for (const metric of ["rank", "kl", "largest"] as const)
          near(scores.at(metric, ...index), expected[metric].patched, `${site} ${metric}`);
        assert.is(scores.at("effect", ...index), plain.at("effect", ...index), "the four are as they were");
        near(scores.facts.corrupted.kl!, expected.kl.source, "of the corrupted run");
        near(scores.facts.clean.kl!, 0, "of the clean run");
      }
      const again = Scores.from(JSON.parse(JSON.stringify(scores)));
      assert.equal(again.toJSON(), JSON.parse(JSON.stringify(scores)));
    }
    assert.is(tf.memory().numTensors, before);
  });

  test(`${name}: a sweep's source is a patch's, at every place`, async () => {
    using pair = await load();
    const before = tf.memory().numTensors;
    const sources: readonly Source[] = [zero, changed((value) => tf.mul(value, -0.5))];
    for (const source of sources)
      for (const site of ["text.self.z", "text.self.pattern", "vision.self.v"] as readonly HeadSite[]) {
        const together = site.startsWith("vision");
        const scores = await sweep(pair, { site, layers: 0, head: 1 } as { site: "text.self.z" }, { source });
        const [, , tokens = 1] = scores.facts.shape;
        for (let token = 0; token < Math.min(tokens, 3); token++) {
          const index = together ? [0, 1] : [0, 1, token];
          const position = together ? {} : { position: token };
          const { logitDiff } = await patch(pair, [{ site, layer: 0, head: 1, ...position } as Selection], { source });
          near(scores.at("logitDiff", ...index), logitDiff, `${site} ${index}`);
        }
      }
    assert.is(tf.memory().numTensors, before);
  });
}

test("pairs that are swept together have the same metrics, and what did not change has those of its run", async () => {
  using blip = await loadBlip(NARROW);
  using first = await samplePair(blip, "image");
  using second = await samplePair(blip, "text");
  const metrics = { rank: rank(first.answers.correct) };
  const together = await sweepTogether([first, second], { site: "text.self.z" }, { metrics });
  for (const [i, pair] of [first, second].entries()) {
    const alone = await sweep(pair, { site: "text.self.z" }, { metrics });
    assert.equal(together[i]!.table("rank"), alone.table("rank"));
    // No token of the other picture's question has changed in the first layer's self-attention.
    if (pair === first) assert.is(alone.at("rank", 0, 0, 0), alone.facts.corrupted.rank);
  }
});

test("what is no metric of a sweep, or no source with it", async () => {
  using blip = await loadBlip(NARROW);
  using pair = await samplePair(blip, "image");
  const before = tf.memory().numTensors;
  const z = { site: "text.cross.z" } as const;
  const red = rank(pair.answers.correct);
  await refused(() => sweep(pair, z, { metrics: { effect: red } }), "options", "another name");
  await refused(() => sweep(pair, z, { metrics: { rank: "prob" as never } }), "options", "no function");
  await refused(() => sweep(pair, z, { metrics: ["prob"] as never }), "options", "an array");
  await refused(() => sweep(pair, z, { metrics: { all: (logits) => tf.sum(logits) } }), "options", "one number a row");
  await refused(() => sweep(pair, z, { source: zero, screen: 3 }), "options", "screen");
  await refused(() => sweep(pair, z, { source: pair.clean as never }), "options", "A source is a function");
  const scores = await sweep(pair, z, { metrics: { rank: red } });
  // @ts-expect-error no metric of this sweep
  await refused(() => scores.at("kl", 0, 0, 0), "options", "rank");
  assert.is(tf.memory().numTensors, before);
});

test("a process cannot be given a metric that is a function", async () => {
  const pair = { key: 0, image: CLEAN_IMAGE, corruptImage: CORRUPT_IMAGE, question: CLEAN_QUESTION, answers: ANSWERS };
  await using pool = await openPool(NARROW, { workers: 1, backend: "wasm" });
  const asked = { site: "text.cross.z", metrics: { own: (logits: tf.Tensor2D) => tf.max(logits, -1) } } as const;
  await refused(
    async () => {
      for await (const _ of pool.sweep([pair], asked as never));
    },
    "options",
    "cannot be sent",
  );
});

test.run();
