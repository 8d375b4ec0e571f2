// Renders the pictures that the checkpoint learns from, or is measured on:
//   tsx weights/recipe/render.ts DIR --seed 1 --attributes 28000 --actions 18000 --faces 18000
//   tsx weights/recipe/render.ts DIR --seed 1000 --attributes 2000 --actions 2000 --faces 2000 --pairs
// DIR/<task>.bin holds [picture, 64, 64, 3] bytes, DIR/<task>.jsonl a line for each: its questions, and what there is
// to know about each of its objects; DIR/<task>.patches.bin [picture, 8, 8] bytes: which object each patch shows,
// counted from 1. With --pairs each picture is followed by its minimal pair, and a line is for both: one question.
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { random } from "../../src/base/random.js";
import { type Drawing, size } from "../../src/data/scenes/canvas.js";
import { aspects, draw, type Scene, sampleAt, sampleQuestion, type Task, tasks } from "../../src/data/scenes/scene.js";
import { vocabulary } from "../../src/data/scenes/vocabulary.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string", default: "1" },
    pairs: { type: "boolean", default: false },
    attributes: { type: "string", default: "0" },
    actions: { type: "string", default: "0" },
    faces: { type: "string", default: "0" },
  },
});
const directory = positionals[0]!;
const seed = Number(values.seed);

/**
 * Every question about a scene once, twice where it has few; the second shape of an attribute scene is asked about too.
 */
function questions(scene: Scene, index: number) {
  const choose = random(seed, scene.kind, index, "questions");
  const about: Scene[] =
    scene.kind === "attributes" ? scene.shapes.map((_, i) => ({ ...scene, shapes: [scene.shapes[i]!] })) : [scene];
  const times = scene.kind === "faces" ? 6 : 2;
  return about.flatMap((one) =>
    aspects[scene.kind].flatMap((aspect) =>
      Array.from({ length: times }, () => {
        const { question, answers } = sampleQuestion(one, choose, aspect);
        return { aspect, question, answer: answers[0] };
      }),
    ),
  );
}

/** The objects of a scene by the names of their masks, and what a patch that shows one can be asked to say about it. */
function objects(scene: Scene): Map<string, Record<string, string>> {
  if (scene.kind === "faces") return new Map([["face", { expression: scene.expression }]]);
  if (scene.kind === "actions") {
    const { subject, verb, object } = scene;
    return new Map<string, Record<string, string>>([
      ["subject", { subject, verb }],
      ["object", { object, verb }],
      ["verb", { verb }],
    ]);
  }
  return new Map(
    scene.shapes.map(({ noun, colour, texture, size, form }) => [noun, { noun, colour, texture, size, form }]),
  );
}

const patch = 8;

/** Per patch the object that most of it shows, counted from 1; 0 where objects cover less than a sixth of it. */
function patches(masks: Drawing["masks"], names: readonly string[]): Uint8Array {
  const across = size / patch;
  const most = new Uint8Array(across * across).fill(Math.floor((patch * patch) / 6));
  const shown = new Uint8Array(across * across);
  for (const [i, name] of names.entries()) {
    const covered = new Uint8Array(across * across);
    for (const [at, value] of masks.get(name)?.entries() ?? []) {
      if (value > 0) covered[Math.floor(at / size / patch) * across + Math.floor((at % size) / patch)]!++;
    }
    for (const [at, count] of covered.entries()) {
      if (count <= most[at]!) continue;
      most[at] = count;
      shown[at] = i + 1;
    }
  }
  return shown;
}

function render(task: Task, count: number) {
  const pictures = openSync(join(directory, `${task}.bin`), "w");
  const shown = values.pairs ? undefined : openSync(join(directory, `${task}.patches.bin`), "w");
  const lines = openSync(join(directory, `${task}.jsonl`), "w");
  for (let index = 0; index < count; index++) {
    const { scene, corrupt, aspect, question, answers } = sampleAt(task, seed, index);
    const { picture, masks } = draw(scene);
    writeSync(pictures, picture.data);
    if (shown === undefined) {
      writeSync(pictures, draw(corrupt).picture.data);
      writeSync(lines, `${JSON.stringify({ aspect, question, answers })}\n`);
    } else {
      const alone = scene.kind !== "attributes" || scene.shapes.length === 1;
      const named = objects(scene);
      writeSync(shown, patches(masks, [...named.keys()]));
      const line = { alone, objects: [...named.values()], questions: questions(scene, index) };
      writeSync(lines, `${JSON.stringify(line)}\n`);
    }
  }
  if (shown !== undefined) closeSync(shown);
  closeSync(pictures);
  closeSync(lines);
}

mkdirSync(directory, { recursive: true });
writeFileSync(join(directory, "vocab.txt"), `${vocabulary().join("\n")}\n`);
for (const task of tasks) if (Number(values[task]) > 0) render(task, Number(values[task]));
