import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { caption, draw, type Sample, tasks } from "../../src/data/scenes/scene.js";
import { answerOf } from "../../src/patching/choices.js";
import { loadModel } from "../../src/patching/load-model.js";
import type { Model } from "../../src/patching/model.js";
import { sceneSamples } from "../../src/study/scene-accuracy.js";

// The small checkpoints beside weights/scenes: their files, what they say of scenes that they have not seen, and a few
// answers as transformers gives them (weights/recipe/measure_family.py writes those beside this test).

const SEEDS = ["seeds/1", "seeds/2", "seeds/3"];
const MOST_BYTES: Readonly<Record<string, number>> = {
  "scenes-itm": 5e6,
  "scenes-caption": 5e6,
  "scenes-lm": 8e6,
  ...Object.fromEntries(SEEDS.map((name) => [name, 5e6])),
};

for (const [name, most] of Object.entries(MOST_BYTES))
  test(`${name}: every file is the one whose sha256 is listed, and the weights stay small`, async () => {
    const folder = join("weights", name);
    const sums = (await readFile(join(folder, "SHA256SUMS"), "utf8")).trimEnd().split("\n");
    const ownCard = SEEDS.includes(name) ? [] : ["README.md"]; // the seeds have one together
    const card = await readFile(join(folder, ownCard[0] ?? "../README.md"), "utf8");
    for (const line of sums) {
      const [sum, file] = line.split("  ") as [string, string];
      const bytes = await readFile(join(folder, file));
      assert.is(createHash("sha256").update(bytes).digest("hex"), sum, file);
      assert.ok(card.includes(line), `the model card lacks ${line}`);
    }
    const listed = sums.map((line) => line.split("  ")[1]!);
    assert.equal([...listed, ...ownCard, "SHA256SUMS"].sort(), (await readdir(folder)).sort());
    assert.ok((await stat(join(folder, "model.safetensors"))).size <= most);
  });

interface Answered<Said> {
  readonly task: Sample["scene"]["kind"];
  readonly index: number;
  readonly said: Said;
}

async function answered<Said>(name: string): Promise<Answered<Said>[]> {
  return JSON.parse(await readFile(join("test/weights", `${name}.json`), "utf8")) as Answered<Said>[];
}

const sampleOf = ({ task, index }: Answered<unknown>) => sceneSamples(task, index + 1, 1000)[index]!;

/** A sentence in which the word that is asked about is `word`. */
function sentence({ scene, corrupt, answers }: Sample, word: string, article: string): string {
  if (scene.kind === "attributes") return `${article} ${scene.shapes[0]!.noun} is ${word}.`;
  return caption(word === answers[0] ? scene : corrupt);
}

/** Answers to equally long texts about the pictures of scenes. */
async function answers(model: Model, samples: readonly Sample[], texts: readonly string[]): Promise<string[]> {
  const each = await Promise.all(samples.map(({ scene }) => model.pixels(draw(scene).picture)));
  const images = tf.concat(each);
  const said = await model.answerBatch(images, texts);
  tf.dispose([images, ...each]);
  return said;
}

test("scenes-itm tells a true sentence from one with a wrong word", async () => {
  using model = await loadModel("weights/scenes-itm");
  for (const task of tasks) {
    const samples = sceneSamples(task, 30, 2000);
    const said = async (which: 0 | 1) =>
      answers(
        model,
        samples,
        samples.map((sample) => sentence(sample, sample.answers[which], "this")),
      );
    const [yes, no] = [await said(0), await said(1)];
    const right = samples.filter((_, i) => yes[i] === "match" && no[i] === "no match").length / samples.length;
    assert.ok(right >= 0.9, `${task}: ${right}`);
  }
});

test("scenes-itm: logits are those of transformers", async () => {
  using model = await loadModel("weights/scenes-itm");
  const all = await answered<{ text: string; logits: [number, number] }[]>("scenes-itm");
  assert.is(all.length, 9);
  for (const one of all)
    for (const { text, logits } of one.said) {
      const { top } = await model.ask({ image: draw(sampleOf(one).scene).picture, question: text });
      for (const { id, logit } of top)
        assert.ok(Math.abs(logit - logits[id]!) <= 1e-3, `${text} ${id}: ${logit} ${logits[id]}`);
    }
});

test("scenes-caption goes on with what is true of the picture", async () => {
  using model = await loadModel("weights/scenes-caption");
  for (const task of tasks) {
    const samples = sceneSamples(task, 30, 2000);
    const subject = ({ scene }: Sample) => (scene.kind === "attributes" ? scene.shapes[0]!.noun : "");
    const texts = samples.map((sample) => (task === "attributes" ? `the ${subject(sample)} is` : ""));
    const said = await answers(model, samples, texts);
    const isTrue = ({ scene }: Sample, text: string) => {
      if (scene.kind !== "attributes") return text === caption(scene);
      const { size, form, texture, colour, noun } = scene.shapes[0]!;
      return [size, form, texture, colour].some((word) => text === `the ${noun} is ${word}.`);
    };
    const right = samples.filter((sample, i) => isTrue(sample, said[i]!)).length / samples.length;
    assert.ok(right >= 0.9, `${task}: ${right}`);
  }
});

test("scenes-caption: greedy captions are those of transformers", async () => {
  using model = await loadModel("weights/scenes-caption");
  const all = await answered<{ prompt: string; text: string }[]>("scenes-caption");
  assert.is(all.length, 9);
  for (const one of all)
    for (const { prompt, text } of one.said) {
      const { answer } = await model.ask({ image: draw(sampleOf(one).scene).picture, question: prompt });
      assert.is(answer, text, prompt);
    }
});

for (const name of ["scenes-lm", ...SEEDS]) {
  test(`${name} answers questions about the picture`, async () => {
    using model = await loadModel(join("weights", name));
    for (const task of tasks) {
      const samples = sceneSamples(task, 20, 2000);
      let right = 0;
      for (const { scene, question, answers } of samples)
        right += Number((await model.ask({ image: draw(scene).picture, question })).answer === answers[0]);
      assert.ok(right >= 18, `${task}: ${right} of 20`);
    }
  });

  test(`${name}: logits and answers are those of transformers`, async () => {
    using model = await loadModel(join("weights", name));
    const file = name.replace("seeds/", "seed-");
    const all = await answered<{ question: string; answers: string[]; logits: number[]; text: string }>(file);
    assert.is(all.length, 9);
    for (const one of all) {
      const { question, answers, logits, text } = one.said;
      const image = draw(sampleOf(one).scene).picture;
      assert.is((await model.ask({ image, question })).answer, text.trim(), question);
      using run = await model.run({ image, question });
      for (const [i, word] of answers.entries()) {
        const { id } = answerOf(model, word);
        const found = (await run.logits.data())[id]!;
        assert.ok(Math.abs(found - logits[i]!) <= 1e-3, `${question} ${word}: ${found} ${logits[i]}`);
      }
    }
  });
}

test.run();
