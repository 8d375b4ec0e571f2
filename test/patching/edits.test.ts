import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { inProcess } from "../../src/executors/in-process.js";
import { openPool } from "../../src/executors/processes.js";
import { towerOf, towerSize } from "../../src/model/architecture.js";
import { ablate } from "../../src/patching/ablate.js";
import { type Edit, edit } from "../../src/patching/edits.js";
import { loadBlip, loadModel } from "../../src/patching/load-model.js";
import { logitDifference } from "../../src/patching/metrics.js";
import type { Model } from "../../src/patching/model.js";
import type { Pair } from "../../src/patching/pair.js";
import { patch, patchHead } from "../../src/patching/patch.js";
import type { UncheckedSelection } from "../../src/patching/selection.js";
import { type Site, sitesOf } from "../../src/patching/sites.js";
import { changed, fromRun } from "../../src/patching/sources.js";
import { Decoder } from "../support/decoders.js";
import { difference, FIXTURES } from "../support/fixture.js";
import { refused } from "../support/refused.js";
import { ANSWERS, CLEAN_IMAGE, CLEAN_QUESTION, CORRUPT_IMAGE, NARROW } from "../support/samples.js";

// What each of the three is asked: a question, a sentence that goes on, a picture among the words.

interface Case {
  readonly model: Model;
  readonly image: string;
  readonly corruptImage: string;
  readonly question: string;
  readonly answers: [string, string];
}

const CASES: { readonly [name: string]: () => Promise<Case> } = {
  "blip-vqa": async () => ({
    model: (await loadBlip(NARROW)) as unknown as Model,
    image: CLEAN_IMAGE,
    corruptImage: CORRUPT_IMAGE,
    question: CLEAN_QUESTION,
    answers: ANSWERS,
  }),
  "blip-caption": async () => ({
    model: await loadModel(`${FIXTURES}/caption-small`, { warn() {} }),
    image: `${FIXTURES}/caption-small/clean.png`,
    corruptImage: `${FIXTURES}/caption-small/corrupt.png`,
    question: "a picture of",
    answers: ANSWERS,
  }),
  smolvlm: () => decoder("smolvlm"),
  "llava-grouped": () => decoder("llava-grouped"),
};

async function decoder(name: string): Promise<Case> {
  const loaded = await Decoder.load(name);
  const [image, corruptImage] = [loaded.picture("clean"), loaded.picture("corrupt")];
  const { question } = loaded.expected.questions.clean;
  return { model: loaded.model, image, corruptImage, question, answers: ["red", "blue"] };
}

const near = (found: number, expected: number, what: string) =>
  assert.ok(Math.abs(found - expected) <= 1e-4, `${what}: ${found} where ${expected} was expected`);

const logitDiff = (pair: Pair, logits: tf.Tensor2D) =>
  tf.tidy(() => logitDifference(pair.answers)(logits).dataSync()[0]!);

/** One place in each site of the last layer but one, or the only one. */
const placesOf = ({ architecture, config }: Model): UncheckedSelection[] =>
  sitesOf(architecture).map((site) => {
    const { layers } = towerOf({ architecture }, site.split(".")[0]!).size(config as never);
    return { site, layer: Math.max(0, layers - 2) };
  });

for (const [name, load] of Object.entries(CASES)) {
  test(`${name}: an edit that gives the clean value is the patch, at every site and at a place in it`, async () => {
    const { model, ...asked } = await load();
    using _ = model;
    using pair = await model.pair(asked);
    const before = tf.memory().numTensors;
    for (const place of placesOf(model)) {
      const { site, layer } = place as { site: Site; layer: number };
      const heads = /\.(q|k|v|pattern|z)$/.test(site) ? { head: 0 } : {};
      for (const more of [{}, { ...heads, position: [0] }]) {
        const value = pair.clean.at(site, { layer });
        const edits = [edit(site, { layer, ...more } as { layer: number }, () => value)];
        using run = await model.run({ image: asked.corruptImage, question: asked.question, edits });
        const score = await patch(pair, [{ ...place, ...more } as never]);
        const change = logitDiff(pair, run.logits) - pair.readings.corrupted.logitDiff;
        near(change, score.logitDiff, `${site} ${JSON.stringify(more)}`);
        value.dispose();
        if (site.startsWith("vision")) continue;
        // What was edited is read as it was made, whatever became of the function.
        const read = run.at(site, { layer });
        assert.is(read.shape.length > 0, true);
        read.dispose();
      }
    }
    assert.is(tf.memory().numTensors, before);
  });

  test(`${name}: zeroing is zero ablation; half of a head is a source too`, async () => {
    const { model, ...asked } = await load();
    using _ = model;
    using pair = await model.pair(asked);
    const tower = model.architecture.readout.tower;
    const place = { site: `${tower}.self.z` as Site, layer: 0, head: 0 };
    const { site, ...where } = place;
    const edited = async (change: (value: tf.Tensor) => tf.Tensor) => {
      using run = await model.run({ ...only(asked), edits: [edit(site as "text.self.z", where, change)] });
      return logitDiff(pair, run.logits) - pair.readings.clean.logitDiff;
    };
    near(await edited((z) => tf.zerosLike(z)), (await ablate(pair, [place as never])).logitDiff, "zero");
    const half = (z: tf.Tensor) => tf.mul(z, 0.5);
    const options = { direction: "noise", source: changed(half) } as const;
    near(await edited(half), (await patchHead(pair, place as never, options)).logitDiff, "half");
  });

  test(`${name}: later edits see what earlier ones did, and a run keeps what they made`, async () => {
    const { model, ...asked } = await load();
    using _ = model;
    const tower = model.architecture.readout.tower;
    const site = `${tower}.resid_post` as "text.resid_post";
    let seen = 0;
    const edits = [
      edit(site, { layer: 0 }, (value) => tf.mul(value, 3)),
      edit(site, { layer: 0, position: [0] }, (value) => tf.add(value, 1)),
      edit(site, { layer: 0 }, (value) => {
        seen++;
        return tf.neg(value);
      }),
    ];
    using plain = await model.run(only(asked));
    const before = tf.memory().numTensors;
    {
      using run = await model.run({ ...only(asked), edits });
      const off = tf.tidy(() => {
        const value = plain.at(site, { layer: 0 });
        const first = tf.pad(tf.onesLike(tf.slice(value, [0, 0], [1, -1])), [
          [0, value.shape[0]! - 1],
          [0, 0],
        ]);
        return difference(run.at(site, { layer: 0 }), tf.neg(tf.add(tf.mul(value, 3), first)));
      });
      assert.ok(off <= 1e-4, `off by ${off}`);
      assert.is(seen, 1);
    }
    assert.is(tf.memory().numTensors, before);
  });

  test(`${name}: what is put before the readout says one word again and again, at every step`, async () => {
    const { model, ...asked } = await load();
    using _ = model;
    const { tower } = model.architecture.readout;
    const layer = towerSize(model, tower).layers - 1;
    const plain = await model.ask(only(asked));
    let steps = 0;
    const direction = tf.randomUniform([towerSize(model, tower).width], -9, 9, "float32", 5);
    const push = edit(`${tower}.resid_post` as "text.resid_post", { layer }, (value) => {
      steps++;
      return tf.broadcastTo(direction, value.shape);
    });
    const { answer, top } = await model.ask({ ...only(asked), edits: [push] });
    direction.dispose();
    assert.is.not(answer, plain.answer);
    assert.ok(steps > 2, `${steps} steps`);
    const { id } = top[0]!;
    assert.ok(answer.includes(model.tokenizer.decode([id, id, id])), answer);
    assert.equal(await model.ask(only(asked)), plain, "an edit belongs to its call");
  });
}

const only = ({ image, question }: Omit<Case, "model">) => ({ image, question });

test("values of an edited run are a source", async () => {
  using blip = await loadBlip(NARROW);
  using pair = await blip.pair({
    image: CLEAN_IMAGE,
    corruptImage: CORRUPT_IMAGE,
    question: CLEAN_QUESTION,
    answers: ANSWERS,
  });
  const first = { site: "text.cross.z", layer: 0 } as const;
  using edited = await blip.run({
    image: CLEAN_IMAGE,
    question: CLEAN_QUESTION,
    edits: [edit("text.cross.z", { layer: 0 }, tf.zerosLike)],
  });
  const end = { site: "text.resid_post", layer: 1 } as const;
  const through = await patch(pair, [end], { direction: "noise", source: fromRun(edited) });
  near(through.logitDiff, (await ablate(pair, [first])).logitDiff, "through the last stream");
});

test("what is no edit, and what an edit must not give", async () => {
  using blip = await loadBlip(NARROW);
  const asked = { image: CLEAN_IMAGE, question: CLEAN_QUESTION };
  const before = tf.memory().numTensors;
  const made = (change: (value: tf.Tensor) => unknown, place: object = { layer: 0 }) =>
    blip.run({ ...asked, edits: [edit("text.cross.z", place as { layer: number }, change as () => tf.Tensor)] });
  await refused(() => made(() => tf.zeros([2])), "options", "text.cross.z in layer 0 gave [2]", "[9,4,8] of float32");
  await refused(() => made((value) => tf.mean(value, 0)), "options", "gave [4,8]");
  await refused(() => made(() => 0), "options", "no tensor");
  await refused(() => made(async (value) => value), "options", "promise");
  await refused(() => made((value) => tf.greater(value, 0)), "options", "of bool");
  const fails = () => {
    throw new Error("no such file");
  };
  await refused(() => made(fails), "options", "The edit of text.cross.z in layer 0 failed: no such file");
  await refused(() => made((value) => value, { layer: 9 }), "site", "no layer 9");
  await refused(() => made((value) => value, { layer: 0, head: 4 }), "site", "no head 4");
  await refused(() => made((value) => value, { layer: 0, position: "answer" }), "site", "correct answer");
  await refused(() => made((value) => value, { layer: 0, position: "purple" }), "tokens", "purple");
  await refused(() => made((value) => value, { layer: 0, postion: 1 }), "options", "position");
  const call = (edits: unknown) => blip.run({ ...asked, edits: edits as Edit[] });
  await refused(() => call([{ site: "text.cross.z", layer: 0 }]), "options", "edit(site, place, change)");
  await refused(() => call((value: tf.Tensor) => value), "options", "array");
  await refused(() => edit("text.cross.z", { layer: 0 }, 0 as never), "options", "takes a function");
  const strange = edit("blocks.0.attn.hook_z" as "text.cross.z", { layer: 0 }, (value) => value);
  await refused(() => call([strange]), "site", "text.self.z with { layer: 0 }");
  assert.is(tf.memory().numTensors, before);
});

test("another process is given no edits, and this one is", async () => {
  const edits = [edit("text.cross.z", { layer: 0 }, tf.zerosLike)];
  const asked = { key: 0, image: CLEAN_IMAGE, question: CLEAN_QUESTION, edits };
  using blip = await loadBlip(NARROW);
  for await (const { answer } of inProcess(blip as unknown as Model).ask([asked]))
    assert.equal(answer, await blip.ask({ image: CLEAN_IMAGE, question: CLEAN_QUESTION, edits }));
  await using pool = await openPool(NARROW, { workers: 1, backend: "wasm" });
  await refused(
    async () => {
      for await (const _ of pool.ask([asked]));
    },
    "options",
    "cannot be sent",
  );
});

test.run();
