import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { faces } from "../../src/data/faces.js";
import type { PrepareContext } from "../../src/data/sample.js";
import { words } from "../../src/data/scenes/vocabulary.js";
import { expressions, sentiments } from "../../src/data/words/expressions.js";
import { readPicture } from "../../src/files/picture.js";
import { CONTEXT, collect, folderOf, pieces, reasons } from "../support/prepare.js";
import { refused } from "../support/refused.js";

const FOLDERS = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"];
/** By the numbers of FER2013. */
const FER_ORDER = ["angry", "disgusted", "fearful", "happy", "sad", "surprised", "neutral"];
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

test("folders have other names too, and other splits", async () => {
  const names = ["Anger", "Disgusted", "fearful", "Happiness", "neutral", "sadness", "surprised"];
  const splits = ["Training", "PublicTest", "PrivateTest"];
  const folder = folderOf(splits.flatMap((split) => names.map((name) => `${split}/${name}/1.jpg`)));
  const { samples, excluded } = await prepare(folder);
  assert.equal(excluded, []);
  for (const split of splits)
    assert.equal(
      samples
        .filter(({ image, corruptImage }) => [image, corruptImage!].every((path) => path.includes(`/${split}/`)))
        .map(({ group }) => group)
        .sort(),
      ADJECTIVES,
    );
});

/** A row of fer2013.csv, a face of one grey. */
const ferRow = (emotion: number | string, grey: number | string, usage: string, pixels = 48 * 48) =>
  `${emotion},${Array(pixels).fill(grey).join(" ")},${usage}`;

test("fer2013.csv: its pictures, by expression and split, written once", async () => {
  const rows = [
    ...FER_ORDER.map((_, emotion) => ferRow(emotion, 10 * emotion, "Training")),
    ferRow(3, 200, "PublicTest"),
    ferRow(4, 201, "PublicTest"),
    ferRow(7, 1, "Training"),
    ferRow(1, 256, "Training"),
    ferRow(1, 1, "Training", 100),
    ferRow(1, 1, "Holdout"),
    "1,2",
  ];
  const folder = folderOf({ "fer2013.csv": `emotion,pixels,Usage\n${rows.join("\n")}\n` });
  const first = await prepare(folder);
  assert.equal(
    first.samples.map(({ group, image }) => [group, image.split("/").slice(-3).join("/")]).sort(),
    [
      ...ADJECTIVES.map((adjective) => {
        const emotion = FER_ORDER.indexOf(adjective);
        return [adjective, `Training/${FOLDERS[ADJECTIVES.indexOf(adjective)]}/${emotion + 1}.png`];
      }),
      ["happy", "PublicTest/happy/8.png"],
      ["sad", "PublicTest/sad/9.png"],
    ].sort(),
  );
  for (const { group, image, corruptImage } of first.samples) {
    const { width, height, data } = await readPicture(image);
    assert.equal([width, height], [48, 48]);
    const grey = image.includes("Public") ? (group === "happy" ? 200 : 201) : 10 * FER_ORDER.indexOf(group);
    assert.ok(
      data.every((value) => value === grey),
      `${group} is ${data[0]}`,
    );
    assert.is(image.includes("PublicTest"), corruptImage!.includes("PublicTest"));
  }
  assert.equal(
    first.excluded.map(({ source, reason }) => [source, reason]),
    [10, 11, 12, 13, 14].map((row) => [`fer2013.csv row ${row}`, "broken row"]),
  );
  assert.equal(
    first.excluded.map(({ detail }) => detail),
    [
      'emotion is "7", none of 0 to 6',
      'a pixel is "256", no number from 0 to 255',
      "100 pixels; 48 x 48 were expected",
      'Usage is "Holdout", none of Training, PublicTest, PrivateTest',
      "2 cells in a table of 3 columns",
    ],
  );
  const names = readdirSync(folder).sort();
  assert.is(names.length, 2);
  assert.equal(await prepare(folder), first);
  // Another file is unpacked beside it; the earlier pictures are not mixed in.
  writeFileSync(join(folder, "fer2013.csv"), `emotion,pixels,Usage\n${rows.slice(0, 2).join("\n")}\n`);
  assert.is((await prepare(folder)).samples.length, 2);
  assert.is(readdirSync(folder).length, 3);
});

test("what is no face is named", async () => {
  const folder = folderOf(["angry/1.jpg", "sad/1.jpg", "sad/notes.txt", "sad/more/1.jpg", "contempt/1.jpg", "contempt/more/2.jpg", "loose.jpg", "test/sad/2.jpg"]); // biome-ignore format: a list
  const { samples, excluded } = await prepare(folder);
  assert.is(samples.length, 2);
  assert.equal(Object.fromEntries(excluded.map(({ source, reason }) => [source, reason])), {
    "sad/notes.txt": "not a picture",
    "sad/more": "not a picture",
    contempt: "unknown folder",
    "loose.jpg": "no expression",
    "test/sad/2.jpg": "no alternative",
  });
  assert.is(excluded.find(({ source }) => source === "contempt")!.detail, "2 pictures");
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
