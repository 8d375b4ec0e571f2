import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { draw, tasks } from "../../src/data/scenes/scene.js";
import { vocabulary, words } from "../../src/data/scenes/vocabulary.js";
import { inProcess } from "../../src/executors/in-process.js";
import { loadBlip } from "../../src/patching/load-model.js";
import type { Blip } from "../../src/patching/model.js";
import { patch } from "../../src/patching/patch.js";
import { askScenes, sceneAccuracy, sceneSamples } from "../../src/study/scene-accuracy.js";

const folder = "weights/scenes";
const test = suite<{ blip: Blip }>("weights/scenes");

test.before(async (context) => {
  context.blip = await loadBlip(folder);
});
test.after(({ blip }) => blip[Symbol.dispose]());

test("every file is the one whose sha256 is listed, and the weights stay small", async () => {
  const sums = (await readFile(join(folder, "SHA256SUMS"), "utf8")).trimEnd().split("\n");
  for (const line of sums) {
    const [sum, file] = line.split("  ") as [string, string];
    assert.is(
      createHash("sha256")
        .update(await readFile(join(folder, file)))
        .digest("hex"),
      sum,
      file,
    );
  }
  const listed = sums.map((line) => line.split("  ")[1]!);
  assert.equal([...listed, "README.md", "SHA256SUMS"].sort(), (await readdir(folder)).sort());
  assert.ok((await stat(join(folder, "model.safetensors"))).size <= 8e6);
  const card = await readFile(join(folder, "README.md"), "utf8");
  for (const line of sums) assert.ok(card.includes(line), `the model card lacks ${line}`);
});

test("its vocabulary is that of the scenes: every word one token, every question of a task as long", async ({
  blip,
}) => {
  assert.is(await readFile(join(folder, "vocab.txt"), "utf8"), `${vocabulary().join("\n")}\n`);
  for (const word of Object.values(words).flat()) assert.is(blip.tokenizer.encode(word).ids.length, 3, word);
  for (const task of tasks) {
    const questions = sceneSamples(task, 60, 4).flatMap(({ question, corruptQuestion }) => [question, corruptQuestion]);
    assert.is(new Set(questions.map((question) => blip.question(question).ids.length)).size, 1);
  }
});

for (const task of tasks) {
  test(`${task}: it answers by what it sees`, async ({ blip }) => {
    const samples = sceneSamples(task, 60, 2000);
    const { accuracy, flips, blank } = sceneAccuracy(samples, await askScenes(inProcess(blip), samples));
    assert.ok(accuracy >= 0.95, `accuracy ${accuracy}`);
    assert.ok(flips >= 0.92, `flips ${flips}`);
    assert.ok(Math.abs(blank - 0.5) < 0.2, `blank ${blank}`);
  });

  test(`${task}: all heads of the image's cross-attention together restore the whole answer`, async ({ blip }) => {
    for (const { scene, corrupt, question, answers } of sceneSamples(task, 4, 3000)) {
      const image = draw(scene).picture;
      using pair = await blip.pair({ image, corruptImage: draw(corrupt).picture, question, answers });
      const layers = blip.weights.text.blocks.map((_, layer) => ({ site: "text.cross.z" as const, layer }));
      const { effect } = await patch(pair, layers);
      assert.ok(Math.abs(effect! - 1) <= 1e-4, `${question} ${effect}`);
    }
  });
}

test.run();
