import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openDataset } from "../../src/data/datasets.js";
import type { PrepareContext } from "../../src/data/sample.js";
import { type Sample as Scene, sampleAt, type Task, truth } from "../../src/data/scenes/scene.js";
import { writeScenes } from "../../src/data/scenes/write.js";
import { checkpointFolder } from "../../src/files/folder.js";
import { decodePicture } from "../../src/pictures/decode.js";
import { loadTokenizer } from "../../src/words/tokenizer.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { collect } from "../support/prepare.js";

const COUNT = 30;
const SEED = 11;
const out = join(temporaryFolder(), "world");
await writeScenes(out, { count: COUNT, seed: SEED });
const tokenizer = await loadTokenizer(checkpointFolder("weights/scenes"));
const context: PrepareContext = { pieces: (text) => tokenizer.encode(text).ids.length - 2, seed: 1 };

const scenes = (task: Task) => Array.from({ length: COUNT }, (_, index) => sampleAt(task, SEED, index));
/** The words of the aspect asked about, of both pictures of every scene. */
const counts = (words: readonly string[]) =>
  words.reduce((count, word) => count.set(word, (count.get(word) ?? 0) + 1), new Map<string, number>());
const truths = (task: Task) => counts(scenes(task).flatMap(({ answers }) => answers));

async function read(name: string, folder?: string) {
  const { samples, excluded } = await collect(openDataset(name, folder)(context));
  assert.is(new Set(samples.map(({ id }) => id)).size, samples.length);
  for (const { image, corruptImage, question, corruptQuestion } of samples) {
    for (const path of [image, corruptImage!]) await decodePicture(readFileSync(path), path);
    if (corruptQuestion) assert.is(context.pieces(corruptQuestion), context.pieces(question));
  }
  return { samples, excluded };
}

test("as SVO-Probes: two samples a scene, each true of its picture", async () => {
  const { samples, excluded } = await read("svo-probes", join(out, "svo-probes"));
  assert.equal(excluded, []);
  assert.is(samples.length, 2 * COUNT);
  assert.equal(counts(samples.map(({ answers }) => answers[0])), truths("actions"));
  for (const [i, { aspect, answers, question }] of scenes("actions").entries()) {
    const [clean, mirrored] = samples.slice(2 * i);
    assert.equal([clean!.group, clean!.answers, mirrored!.answers], [aspect, answers, [answers[1], answers[0]]]);
    assert.is(sorted(clean!.question), sorted(question));
  }
  assert.ok(samples.filter(({ corruptQuestion }) => corruptQuestion).length > COUNT);
});

const sorted = (question: string) => question.split(/\W+/).sort().join(" ");

test("as MIT-States: a sample a picture wherever the noun has another such state", async () => {
  const { samples, excluded } = await read("mit-states", join(out, "mit-states"));
  assert.equal(excluded, []); // the minimal pair of every picture is one
  const words = scenes("attributes").flatMap(({ scene, corrupt, aspect }) => [
    truth(scene, aspect),
    truth(corrupt, aspect),
  ]);
  assert.equal(counts(samples.map(({ answers }) => answers[0])), counts(words));
  const of = { colour: "colour", texture: "texture", size: "shape", form: "shape" } as Record<string, string>;
  const expected = scenes("attributes").flatMap(({ aspect }) => [of[aspect]!, of[aspect]!]);
  assert.equal(counts(samples.map(({ group }) => group)), counts(expected));
  const size = ["big", "small"];
  for (const { answers } of samples) assert.is(size.includes(answers[0]), size.includes(answers[1]));
});

test("as faces: a sample a face", async () => {
  const { samples, excluded } = await read("faces", join(out, "facial-expressions"));
  assert.equal(excluded, []);
  assert.equal(counts(samples.map(({ group }) => group)), truths("faces"));
});

test("as a table: the exact pairs, with the mask of what is asked about", async () => {
  const { samples, excluded } = await read(join(out, "pairs.jsonl"));
  assert.equal(excluded, []);
  const all = (["attributes", "actions", "faces"] as const).flatMap((task) =>
    scenes(task).map((scene, i) => ({ task, scene, id: `${task}-${String(i).padStart(5, "0")}` })),
  );
  assert.equal(
    samples.map(({ id, dataset, group, question, corruptQuestion, answers }) => ({ id, dataset, group, question, corruptQuestion, answers })), // biome-ignore format: a row
    all.map(({ id, task, scene: { aspect, question, corruptQuestion, answers } }) => ({ id, dataset: task, group: aspect, question, corruptQuestion, answers })), // biome-ignore format: a row
  );
  for (const [i, { scene, id }] of all.entries())
    assert.is(samples[i]!.mask, join(out, `masks/${id}/${masked(scene)}.png`));
});

function masked({ scene, aspect }: Scene): string {
  if (scene.kind === "attributes") return scene.shapes[0]!.noun;
  return scene.kind === "faces" ? "face" : aspect === "object" ? "object" : "subject";
}

test.run();
