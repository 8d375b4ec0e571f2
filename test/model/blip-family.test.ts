import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readFloats, readSafetensors } from "../../src/checkpoint/safetensors.js";
import { checkpointFolder } from "../../src/files/folder.js";
import { towerSize } from "../../src/model/architecture.js";
import { loadModel } from "../../src/patching/load-model.js";
import type { Model } from "../../src/patching/model.js";
import { parseSite, type Site, sitesOf } from "../../src/patching/sites.js";
import { sweep } from "../../src/patching/sweep.js";
import { FIXTURES, readJson } from "../support/fixture.js";

// Both other heads of BLIP's family beside what Hugging Face computes with the same checkpoints (make_blip_family.py).

const TOLERANCE = 1e-4;
const SAMPLED = 7;

interface Expected {
  texts: Record<string, string>;
  ids: Record<string, number[]>;
  answers: [number, number];
  said: { image: string; text: string; logits: number[]; similarity?: number; output?: number[]; caption?: string }[];
}

const picture = (name: string, image: string) => join(FIXTURES, name, `${image}.png`);

async function expectedOf(name: string) {
  const files = checkpointFolder(join(FIXTURES, name));
  const entries = await readSafetensors((await files.bytes("expected.safetensors"))!);
  return { entries, ...readJson<Expected>(join(FIXTURES, name, "expected.json")) };
}

const largest = (found: ArrayLike<number>, right: ArrayLike<number>) => {
  assert.is(found.length, right.length);
  return Math.max(...Array.from(found, (value, i) => Math.abs(value - right[i]!)));
};

for (const name of ["itm-small", "itm-full", "caption-small", "caption-full"]) {
  const full = name.endsWith("full");

  test(`${name}: every site of every layer, logits and similarity equal Hugging Face's`, async () => {
    using model = await loadModel(join(FIXTURES, name));
    const { entries, texts, ids } = await expectedOf(name);
    // Of each picture and text one run, that holds every value.
    const runs = new Map<string, [key: string, site: Site, layer: number][]>();
    for (const key of entries.keys()) {
      const [, of, tower, layer, within] = /^(\w+\+\w+)\/(\w+)\.(\d+)\.(.+)$/.exec(key) ?? [];
      if (of !== undefined) runs.set(of, [...(runs.get(of) ?? []), [key, `${tower}.${within}` as Site, Number(layer)]]);
    }
    for (const [of, held] of runs) {
      const [image, text] = of.split("+") as [string, string];
      const question = text === "none" ? undefined : texts[text]!;
      assert.equal(model.question(question).ids, ids[text]);
      using run = await model.run({ image: picture(name, image), question });
      for (const [key, site, layer] of held) {
        const value = run.at(site, { layer });
        const found = value.dataSync();
        value.dispose();
        const sample = full ? found.filter((_, i) => i % SAMPLED === 0) : found;
        const off = largest(sample, await readFloats(entries.get(key)!));
        assert.ok(off <= TOLERANCE, `${key} is off by ${off}`);
      }
    }
    const places = sitesOf(model.architecture).reduce(
      (sum, site) => sum + towerSize(model, parseSite(model, site).tower).layers,
      0,
    );
    assert.ok(runs.size > 0);
    for (const [of, held] of runs) assert.is(held.length, places, of);
  });

  test(`${name}: what it says, word by word`, async () => {
    using model = await loadModel(join(FIXTURES, name));
    const { texts, said } = await expectedOf(name);
    for (const { image, text, logits, similarity, caption } of said) {
      const input = { image: picture(name, image), question: text === "none" ? undefined : texts[text]! };
      using run = await model.run(input);
      const off = largest(run.logits.dataSync(), logits);
      assert.ok(off <= TOLERANCE, `logits of ${image}, ${text} are off by ${off}`);
      const { answer, top, similarity: cosine } = await model.ask(input);
      assert.is(top[0]!.logit, Math.max(...run.logits.dataSync()));
      if (caption !== undefined) assert.is(answer, caption);
      else {
        assert.is(answer, logits[1]! > logits[0]! ? "match" : "no match");
        assert.ok(Math.abs(cosine! - similarity!) <= 1e-5, `similarity of ${image}, ${text}: ${cosine}`);
      }
    }
  });

  for (const mode of ["image", "text"] as const)
    test(`${name}, ${mode}: the score of every head, token and layer equals that of forward hooks`, async () => {
      using model = await loadModel(join(FIXTURES, name));
      const { entries, texts, answers } = await expectedOf(name);
      using pair = await model.pair({
        image: picture(name, "clean"),
        question: texts.clean!,
        answers: answers.map((id) => wordOf(model, id)) as [string, string],
        ...(mode === "image" ? { corruptImage: picture(name, "corrupt") } : { corruptQuestion: texts.corrupt! }),
      });
      assert.equal([pair.answers.correct.id, pair.answers.incorrect.id], answers);
      const { numTensors } = tf.memory();
      let tables = 0;
      for (const [key, entry] of entries) {
        const [, of, site] = /^scores\/(\w+)\/(.+)$/.exec(key) ?? [];
        if (of !== mode) continue;
        const scores = await sweep(pair, { site: site as Site });
        const right = await readFloats(entry);
        const found = (scores.toJSON().metrics.logitDiff as number[]).flat(3);
        const off = largest(found, right);
        assert.ok(off <= TOLERANCE, `${site} is off by ${off}`);
        tables++;
      }
      assert.is(tables, mode === "image" ? 3 : 2);
      assert.is(tf.memory().numTensors, numTensors);
    });
}

const wordOf = ({ architecture, tokenizer }: Model, id: number) =>
  architecture.name === "blip-itm" ? ["no match", "match"][id]! : tokenizer.tokenOf(id)!.replace("stri", "striped");

test.run();
