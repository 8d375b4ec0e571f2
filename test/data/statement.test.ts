import { test } from "uvu";
import * as assert from "uvu/assert";
import { faces } from "../../src/data/faces.js";
import { mitStates } from "../../src/data/mit-states.js";
import type { Form } from "../../src/data/sample.js";
import { sceneSentence } from "../../src/data/scenes/sentences.js";
import { state } from "../../src/data/statement.js";
import { svoProbes } from "../../src/data/svo-probes.js";
import { svoSaying } from "../../src/data/svo-sentence.js";
import { table } from "../../src/data/table.js";
import { CONTEXT, collect, folderOf, reasons } from "../support/prepare.js";

const HEADER = "sentence,pos_triplet,neg_triplet,pos_url,neg_url,pos_image_id,neg_image_id,subj_neg,verb_neg,obj_neg";

const svoFolder = (...rows: readonly string[]) =>
  folderOf({
    ...Object.fromEntries([1, 2, 3, 4, 5, 6].map((id) => [`images/${id}.jpg`, ""])),
    "svo_probes.csv": `${[HEADER, ...rows].join("\n")}\n`,
  });

const svo = (as: Form, folder: string, template?: string) => collect(svoProbes(folder, { ...CONTEXT, as, template }));

const RIDING = 'A girl is riding a horse.,"girl,ride,horse","girl,pat,horse",a,b,1,2,False,True,False';
const WOMAN = 'Woman walks her dog,"woman,walk,dog","man,walk,dog",a,b,3,4,True,False,False';
const APPLE = 'a boy eats an apple,"boy,eat,apple","boy,eat,carrot",a,b,5,6,False,False,True';

test("a sentence of SVO-Probes matches the positive picture, and with the other word the negative one", async () => {
  const folder = svoFolder(RIDING, WOMAN, APPLE);
  const { samples, excluded } = await svo("match", folder);
  assert.equal(excluded, []);
  const put = samples.map(({ id, question, corruptQuestion, answers, answerPlace, image }) => [
    ...[id, question, corruptQuestion, answers[0], answerPlace, image.slice(folder.length)],
  ]);
  const riding = "A girl is riding a horse.";
  const [woman, man] = ["Woman walks her dog", "man walks her dog"];
  const [apple, carrot] = ["a boy eats an apple", "a boy eats a carrot"];
  assert.equal(put, [
    ["1.2.verb", riding, undefined, "match", "riding", "/images/1.jpg"], // patting is two pieces here
    ["2.1.verb", riding, undefined, "no match", "riding", "/images/2.jpg"],
    ["3.4.subject", woman, man, "match", "woman", "/images/3.jpg"],
    ["4.3.subject", woman, man, "no match", "woman", "/images/4.jpg"],
    ["5.6.object", apple, carrot, "match", "apple", "/images/5.jpg"],
    ["6.5.object", apple, carrot, "no match", "apple", "/images/6.jpg"],
  ]);
  for (const { answers } of samples) assert.equal([...answers].sort(), ["match", "no match"]);
});

test("without a sentence that has the word once, or with a template, the triplet is said", async () => {
  const folder = svoFolder('She sat,"girl,ride,horse","boy,ride,horse",a,b,1,2,True,False,False');
  const said = async (template?: string) => (await svo("match", folder, template)).samples.map((one) => one.question);
  assert.equal(await said(), ["girl ride horse", "girl ride horse"]);
  assert.equal(await said("the {{ word }} can {{ verb }}"), ["the girl can ride", "the girl can ride"]);
});

test("a beginning of a caption ends before the word, unless it tells which word comes", async () => {
  const { samples, excluded } = await svo("caption", svoFolder(RIDING, WOMAN, APPLE));
  assert.equal(
    samples.map(({ question, answers, answerPlace, corruptQuestion }) => [
      ...[question, ...answers, answerPlace, corruptQuestion],
    ]),
    [
      ["A girl is", "riding", "patting", "last", undefined],
      ["A girl is", "patting", "riding", "last", undefined],
    ],
  );
  assert.equal(reasons(excluded), { "nothing before the word": 1, "beginning tells the word": 1 });
});

test("regular endings; a word that is not there once has no place", () => {
  const say = (sentence: string, said: string, other: string) => {
    const saying = svoSaying(sentence, said, [said, other]);
    return saying && [...saying.words, saying.write(saying.words[1])];
  };
  assert.equal(say("he lies down", "lie", "sit"), ["lies", "sits", "he sits down"]);
  assert.equal(say("he is lying down", "lie", "sit"), ["lying", "sitting", "he is sitting down"]);
  assert.equal(say("she carries it", "carry", "catch"), ["carries", "catches", "she catches it"]);
  assert.equal(say("she is making it", "make", "throw"), ["making", "throwing", "she is throwing it"]);
  assert.equal(say("An owl sees", "owl", "cat"), ["owl", "cat", "A cat sees"]);
  assert.is(say("dog bites dog", "dog", "cat"), undefined);
  assert.is(say("two men sit", "man", "boy"), undefined);
});

test("half of the sentences about states and faces are true of the clean picture", async () => {
  const many = (folders: readonly string[]) =>
    folderOf(folders.flatMap((name) => Array.from({ length: 100 }, (_, i) => `${name}/${i}.jpg`)));
  const [states, expressions] = [many(["old bread", "new bread"]), many(["sad", "angry"])];
  for (const [{ samples }, say] of [
    [await collect(mitStates(states, { ...CONTEXT, as: "match" })), /^a photo of (?:a|an) (old|new) bread$/],
    [await collect(faces(expressions, { ...CONTEXT, as: "match" })), /^this person is feeling (sad|angry)$/],
  ] as const) {
    assert.is(samples.length, 200);
    const shown = (path: string) => path.split("/").at(-2)!.split(" ")[0]!;
    for (const { image, corruptImage, question, corruptQuestion, answers, answerPlace } of samples) {
      const word = say.exec(question)![1]!;
      assert.is(answers[0] === "match", word === shown(image));
      assert.is(answers[1] === "match", word === shown(corruptImage!));
      assert.is(answerPlace, word);
      const other = say.exec(corruptQuestion!)![1];
      assert.is(other, word === shown(image) ? shown(corruptImage!) : shown(image));
    }
    const share = samples.filter(({ answers }) => answers[0] === "match").length / 200;
    assert.ok(Math.abs(share - 0.5) < 0.14, `${share}`); // 4 standard errors
    assert.ok(samples.every(({ question }) => !/ a [aeiou]| an [^aeiou]/.test(question)));
  }
});

test("a word is not found at the beginning of a longer one", () => {
  const write = (word: string) => `a boy is carrying a ${word}.`;
  const said = state({ words: ["ball", "car"], isTrue: true, write }, { ...CONTEXT, as: "caption" });
  assert.is(said.question, "a boy is carrying a");
});

test("states and faces as captions", async () => {
  const pictures = ["green star/a.jpg", "blue star/b.jpg", "orange moon/c.jpg", "red moon/d.jpg"];
  const { samples, excluded } = await collect(mitStates(folderOf(pictures), { ...CONTEXT, as: "caption" }));
  assert.equal(
    samples.map(({ question, answers }) => [question, ...answers]),
    [
      ["a photo of a", "blue", "green"],
      ["a photo of a", "green", "blue"],
    ],
  );
  assert.equal(reasons(excluded), { "beginning tells the word": 2 });
  const shown = await collect(faces(folderOf(["sad/a.jpg", "happy/b.jpg"]), { ...CONTEXT, as: "caption" }));
  assert.equal(shown.samples.map(({ question, answers, answerPlace }) => [question, ...answers, answerPlace]).sort(), [
    ["this person is feeling", "happy", "sad", "last"],
    ["this person is feeling", "sad", "happy", "last"],
  ]);
});

test("the questions of scenes as sentences", () => {
  const say = (question: string, answers: [string, string], article: "this" | "the" = "this") =>
    sceneSentence(question, answers, article)?.(answers[1]);
  assert.is(say("is this star red or blue?", ["blue", "red"]), "this star is red.");
  assert.is(say("is this star red or blue?", ["red", "blue"], "the"), "the star is blue.");
  assert.is(say("is this person feeling sad or happy?", ["sad", "happy"]), "this person is feeling happy.");
  assert.is(say("is man or woman riding dog?", ["woman", "man"]), "a man is riding a dog.");
  assert.is(say("is man riding or pulling dog?", ["riding", "pulling"]), "a man is pulling a dog.");
  assert.is(say("is man riding dog or car?", ["dog", "car"]), "a man is riding a car.");
  assert.is(say("what colour is it?", ["red", "blue"]), undefined);
  assert.is(say("is it red or blue?", ["red", "blue"]), undefined);
});

test("a table of one's own is put as it is, and to match it needs sentences", async () => {
  const rows = [
    { id: "a", image: "a.png", question: "this star is red", answers: ["match", "no match"] },
    { id: "b", image: "a.png", question: "is this star red or blue?", answers: ["red", "blue"] },
  ];
  const folder = folderOf({ "a.png": "", "own.jsonl": rows.map((row) => `${JSON.stringify(row)}\n`).join("") });
  const put = async (as: Form) => collect(table(`${folder}/own.jsonl`, { ...CONTEXT, as }));
  const { samples, excluded } = await put("match");
  assert.equal(
    samples.map(({ id, question }) => [id, question]),
    [["a", "this star is red"]],
  );
  assert.equal(reasons(excluded), { "no sentence to match": 1 });
  const captions = await put("caption");
  assert.equal(
    captions.samples.map(({ question, answerPlace }) => [question, answerPlace]),
    rows.map(({ question }) => [question, "last"]),
  );
});

test.run();
