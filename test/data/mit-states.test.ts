import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { mitStates } from "../../src/data/mit-states.js";
import type { PrepareContext } from "../../src/data/sample.js";
import { words } from "../../src/data/scenes/vocabulary.js";
import { states } from "../../src/data/words/states.js";
import { CONTEXT, collect, folderOf, pieces, reasons } from "../support/prepare.js";
import { refused } from "../support/refused.js";

const prepare = (folder: string, changes: Partial<PrepareContext> = {}) =>
  collect(mitStates(folder, { ...CONTEXT, ...changes }));

test("the alternative is another state of the group that the noun has, and the corrupt image shows it", async () => {
  const folder = folderOf([
    "sliced tomato/a.jpg",
    "whole tomato/b.jpg",
    "whole tomato/c.PNG",
    "diced tomato/d.jpeg", // near sliced
    "moldy tomato/e.jpg", // another group
    "whole bread/f.jpg",
  ]);
  const { samples, excluded } = await prepare(folder);
  assert.equal(reasons(excluded), { "no alternative": 2 });
  assert.equal(excluded.map(({ source }) => source).sort(), ["moldy tomato/e.jpg", "whole bread/f.jpg"]);
  const found = samples.map(({ id, group, image, answers }) => [id, group, image.slice(folder.length + 1), ...answers]);
  const either = (word: string) => (["sliced", "diced"].includes(word) ? word : "neither");
  assert.equal(found, [
    ["diced..tomato.d.jpeg", "shape", "diced tomato/d.jpeg", "diced", "whole"],
    ["sliced..tomato.a.jpg", "shape", "sliced tomato/a.jpg", "sliced", "whole"],
    ["whole..tomato.b.jpg", "shape", "whole tomato/b.jpg", "whole", either(found[2]!.at(-1)!)],
    ["whole..tomato.c.PNG", "shape", "whole tomato/c.PNG", "whole", either(found[3]!.at(-1)!)],
  ]);
  for (const { question, answers, corruptImage, corruptQuestion } of samples) {
    const [correct, incorrect] = answers;
    assert.ok(
      [`Is this tomato ${correct} or ${incorrect}?`, `Is this tomato ${incorrect} or ${correct}?`].includes(question),
    );
    assert.ok(corruptImage!.startsWith(join(folder, `${incorrect} tomato/`)));
    const replaced = /^Is this tomato (\w+) or (\w+)\?$/.exec(corruptQuestion!)!.slice(1);
    for (const word of replaced) assert.ok(Object.hasOwn(states.shape, word) && !answers.includes(word), word);
    assert.is(pieces(corruptQuestion!), pieces(question));
  }
});

test("every state of the noun becomes the alternative, either order, and a seed decides", async () => {
  const folder = folderOf(
    ["red", "green", "blue"].flatMap((colour) => Array.from({ length: 200 }, (_, i) => `${colour} star/${i}.jpg`)),
  );
  const { samples } = await prepare(folder);
  const share = (what: (sample: (typeof samples)[number]) => boolean, of = samples) =>
    of.filter(what).length / of.length;
  const red = samples.filter(({ answers }) => answers[0] === "red");
  assert.is(red.length, 200);
  assert.ok(Math.abs(share(({ answers }) => answers[1] === "blue", red) - 0.5) < 0.14); // 4 standard errors
  assert.ok(Math.abs(share(({ question, answers }) => question.includes(`${answers[0]} or`)) - 0.5) < 0.082);
  assert.ok(new Set(red.map(({ corruptImage }) => corruptImage)).size > 100);
  assert.equal((await prepare(folder)).samples, samples);
  assert.not.equal((await prepare(folder, { seed: 2 })).samples, samples);
});

test("one folder down, underscores, capitals; odd names have ids of their own", async () => {
  const folder = folderOf(["images/red_star/a.jpg", "images/Blue star/a.jpg", "red star/a.jpg", "red star/a b (1).jpg", "red star/a.jpeg"]); // biome-ignore format: a list
  const { samples, excluded } = await prepare(folder);
  assert.equal(excluded, []);
  assert.equal(new Set(samples.map(({ answers }) => answers.join())), new Set(["red,blue", "blue,red"]));
  const ids = samples.map(({ id }) => id);
  assert.is(new Set(ids).size, 5);
  assert.ok(
    ids.every((id) => /^[\w.-]+$/.test(id)),
    ids.join(" "),
  );
});

test("what is no picture of a state is named", async () => {
  const folder = folderOf([
    "red star/a.jpg",
    "blue star/a.jpg",
    "red star/notes.txt",
    "red star/more/a.jpg",
    "adj star/a.jpg",
    "fluffy star/a.jpg",
    "red {{ x }}/a.jpg",
    "images/deep/red star/a.jpg",
    "images/loose.jpg",
    ".hidden/a.jpg",
    "adj_ants.csv",
  ]);
  const { samples, excluded } = await prepare(folder);
  assert.is(samples.length, 2);
  assert.equal(Object.fromEntries(excluded.map(({ source, reason }) => [source, reason])), {
    "adj star/a.jpg": "no state",
    "fluffy star/a.jpg": "unknown state",
    "red star/notes.txt": "not a picture",
    "red star/more": "unknown folder",
    "red {{ x }}/a.jpg": "unusable noun",
    "images/deep": "unknown folder",
    "images/loose.jpg": "no state",
  });
});

test("what is no folder of states", async () => {
  await refused(() => prepare("/nowhere/at/all"), "options", "/nowhere/at/all", "no such folder");
  await refused(() => prepare(join(folderOf(["a.jpg"]), "a.jpg")), "options", "it is a file");
  await refused(() => prepare(folderOf(["a.jpg", "pictures/b.jpg"])), "options", "adjective noun");
});

test("the word lists: each state once, near-synonyms of its own group, all words of the scenes", () => {
  const all = Object.values(states).flatMap((group) => Object.keys(group));
  assert.is(new Set(all).size, all.length);
  for (const group of Object.values(states))
    for (const { similar, compatible } of Object.values(group))
      for (const word of [...similar, ...compatible]) assert.ok(Object.hasOwn(group, word), word);
  for (const word of words.colour) assert.ok(Object.hasOwn(states.colour, word), word);
  for (const word of words.texture) assert.ok(Object.hasOwn(states.texture, word), word);
  for (const word of [...words.size, ...words.form]) assert.ok(Object.hasOwn(states.shape, word), word);
});

test.run();
