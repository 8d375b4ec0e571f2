import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { faces } from "../../src/data/faces.js";
import type { PrepareContext } from "../../src/data/sample.js";
import { words } from "../../src/data/scenes/vocabulary.js";
import { expressions, sentiments } from "../../src/data/words/expressions.js";
import { CONTEXT, collect, folderOf, pieces, reasons } from "../support/prepare.js";
import { refused } from "../support/refused.js";

const FOLDERS = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"];
const ADJECTIVES = ["angry", "disgusted", "fearful", "happy", "neutral", "sad", "surprised"];

const prepare = (folder: string, changes: Partial<PrepareContext> = {}) =>
  collect(faces(folder, { ...CONTEXT, ...changes }));

test("every face is asked about with any other expression, and the corrupt image shows that", async () => {
  const folder = folderOf(FOLDERS.flatMap((name) => Array.from({ length: 60 }, (_, i) => `${name}/${i}.jpg`)));
  const { samples, excluded } = await prepare(folder);
  assert.equal(excluded, []);
  assert.is(samples.length, 7 * 60);
  assert.is(new Set(samples.map(({ id }) => id)).size, 7 * 60);
  assert.is(new Set(samples.map(({ answers }) => answers.join())).size, 7 * 6);
  let correctFirst = 0;
  for (const { group, image, corruptImage, question, answers, corruptQuestion } of samples) {
    const folders = [image, corruptImage!].map((path) => path.slice(folder.length + 1).split("/")[0]!);
    assert.equal(
      folders.map((name) => ADJECTIVES[FOLDERS.indexOf(name)]),
      answers,
    );
    assert.is(group, answers[0]);
    const asked = /^Is this person feeling (\w+) or (\w+)\?$/.exec(question)!.slice(1);
    assert.equal(new Set(asked), new Set(answers));
    if (asked[0] === answers[0]) correctFirst++;
    const replaced = /^Is this person feeling (\w+) or (\w+)\?$/.exec(corruptQuestion!)!.slice(1);
    assert.is(new Set([...asked, ...replaced]).size, 4);
    for (const [i, word] of replaced.entries()) {
      assert.not.equal(sentiments.pleasant.includes(word), sentiments.pleasant.includes(asked[i]!));
      assert.is(pieces(word), pieces(asked[i]!));
    }
  }
  assert.ok(Math.abs(correctFirst - 210) < 41, `${correctFirst} of 420`); // 4 standard deviations
  assert.equal((await prepare(folder)).samples, samples);
  assert.not.equal((await prepare(folder, { seed: 2 })).samples, samples);
});

test("below train and test, which do not mix", async () => {
  const folder = folderOf([
    "train/angry/1.jpg",
    "train/happy/1.jpg",
    "test/sad/1.jpg",
    "test/fear/1.png",
    "test/fear/1.jpg",
  ]);
  const { samples, excluded } = await prepare(folder);
  assert.equal(excluded, []);
  assert.equal(samples.map(({ id }) => id).sort(), [
    "test.fear.1.jpg",
    "test.fear.1.png",
    "test.sad.1.jpg",
    "train.angry.1.jpg",
    "train.happy.1.jpg",
  ]);
  for (const { image, corruptImage } of samples)
    assert.is(image.slice(folder.length + 1).split("/")[0], corruptImage!.slice(folder.length + 1).split("/")[0]);
});

test("what is no face is named", async () => {
  const folder = folderOf(["angry/1.jpg", "sad/1.jpg", "sad/notes.txt", "sad/more/1.jpg", "contempt/1.jpg", "loose.jpg", "test/sad/2.jpg"]); // biome-ignore format: a list
  const { samples, excluded } = await prepare(folder);
  assert.is(samples.length, 2);
  assert.equal(Object.fromEntries(excluded.map(({ source, reason }) => [source, reason])), {
    "sad/notes.txt": "not a picture",
    "sad/more": "not a picture",
    contempt: "unknown folder",
    "loose.jpg": "no expression",
    "test/sad/2.jpg": "no alternative",
  });
});

test("a vocabulary without words of as many pieces leaves image pairs", async () => {
  const folder = folderOf(["angry/1.jpg", "sad/1.jpg"]);
  const { samples, excluded } = await prepare(folder, { pieces: (text) => text.length });
  assert.is(samples.length, 2);
  assert.equal(reasons(excluded), {});
  const happy = folderOf(["happy/1.jpg", "surprise/1.jpg"]);
  const odd = (text: string) => (text.includes("happy") ? 999 : pieces(text)); // no other word has as many
  assert.ok(
    (await prepare(happy, { pieces: odd })).samples.every(({ corruptQuestion }) => corruptQuestion === undefined),
  );
});

test("what is no folder of faces", async () => {
  await refused(() => prepare(folderOf([])), "options", "no faces", "angry, disgust, fear");
  await refused(() => prepare(folderOf(["angry/notes.txt"])), "options", "no faces");
  await refused(() => prepare(join(folderOf([]), "none")), "options", "no such folder");
});

test("the word lists: no adjective twice, all expressions of the folders and scenes", () => {
  const all = [...sentiments.pleasant, ...sentiments.unpleasant];
  assert.is(new Set(all).size, all.length);
  assert.equal(Object.values(expressions), [...words.expression]);
  for (const word of Object.values(expressions)) assert.ok(all.includes(word), word);
});

test.run();
