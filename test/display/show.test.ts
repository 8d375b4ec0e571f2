import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { overlay, PLAIN, show } from "../../src/display.js";
import { type Blip, loadBlip, sweep } from "../../src/index.js";
import { answerAttention } from "../../src/patching/answer-attention.js";
import { imagePlaces } from "../../src/patching/image-places.js";
import { pictureOf } from "../../src/patching/inputs.js";
import type { Pair } from "../../src/patching/pair.js";
import { Scores } from "../../src/patching/scores.js";
import { decodePicture } from "../../src/pictures/decode.js";
import "../../src/register.js";
import { Decoder } from "../support/decoders.js";
import { refused } from "../support/refused.js";
import { CLEAN_IMAGE, CORRUPT_IMAGE, NARROW, samplePair } from "../support/samples.js";

const DISPLAY = Symbol.for("Jupyter.display");
let blip: Blip;
let pair: Pair;

test.before(async () => {
  blip = await loadBlip(NARROW);
  pair = await samplePair(blip, "image");
});

/** What a notebook's kernel does with the value of a cell. */
function displayed(value: object): Promise<Record<string, string>> {
  return (value as Record<symbol, () => Promise<Record<string, string>>>)[DISPLAY]!();
}

const png = (bundle: Record<string, string>) => decodePicture(Buffer.from(bundle["image/png"]!, "base64"), "the PNG");

test("scores show themselves as PNG, SVG, HTML and text", async () => {
  const scores = await sweep(pair, { site: "text.cross.z" });
  const bundle = await displayed(scores);
  assert.equal(Object.keys(bundle).sort(), ["image/png", "image/svg+xml", "text/html", "text/plain"]);
  const { width, height } = await png(bundle);
  assert.ok(width > 100 && height > 100);
  const [layers, heads] = scores.facts.shape as [number, number];
  assert.is(bundle["image/svg+xml"]!.match(/aria-roledescription="rect mark"/g)!.length, layers * heads);
  const [, address] = /<img src="data:image\/svg\+xml;base64,([^"]+)"/.exec(bundle["text/html"]!)!;
  assert.is(Buffer.from(address!, "base64").toString(), bundle["image/svg+xml"]);
  const token = pair.answerToken!;
  assert.match(bundle["text/plain"]!, new RegExp(`text\\.cross\\.z at token ${token} \\(red\\)`));
});

test("the metric and the token can be chosen", async () => {
  const scores = await sweep(pair, { site: "text.self.z", position: [1, 2] });
  const text = show(scores, { metric: "prob", token: 2 }).text(PLAIN);
  assert.match(text, /at token 2/);
  const [first] = /^ {4}0 .*$/m.exec(text)!;
  const values = first.trim().split(/\s+/).slice(1).map(Number);
  for (const [head, value] of values.entries()) assert.ok(Math.abs(value - scores.at("prob", 0, head, 2)!) <= 0.01);
});

test("answers of others stay text in HTML and in a terminal", async () => {
  const { facts } = await sweep(pair, { site: "text.cross.z", layers: [0], position: 1 });
  const text = '"><script>\x1b[2J';
  const hostile = new Scores({ ...facts, answers: { ...facts.answers, correct: { ...facts.answers.correct, text } } });
  const bundle = await displayed(hostile);
  assert.not.match(bundle["text/html"]!, /<script/);
  assert.not.ok(bundle["text/plain"]!.includes("\x1b"));
});

test("an overlay is the head's attention beside that of all heads", async () => {
  const token = pair.answerToken!;
  const look = await overlay(pair, CLEAN_IMAGE, { layer: 1, head: 2 });
  const { patterns, side } = await answerAttention(pair.clean, token);
  const all = patterns.flat();
  for (const [row, column] of [
    [0, 0],
    [side - 1, 1],
  ] as const) {
    const at = 1 + row * side + column;
    const mean = all.reduce((sum, pattern) => sum + pattern[at]! / all.length, 0);
    assert.ok(Math.abs(look.grid[row]![column]! - (patterns[1]![2]![at]! - mean)) < 1e-7);
  }
  const { width, height } = await png(await displayed(look));
  assert.is(Math.max(width, height), 256);
  assert.match(show(look).text({ columns: 80, colours: 256 }), /▀[\s\S]*L1H2 from token 3 \(red\)/);
  await refused(() => overlay(pair, CLEAN_IMAGE, { layer: 1, head: 2, position: "all" }), "options", "from one token");
  await refused(() => overlay(pair, CLEAN_IMAGE, { layer: 99, head: 2 }), "site", "L99H2");
});

test("an overlay of attention within the picture is of a patch, and of another attention refused", async () => {
  const look = await overlay(pair, CLEAN_IMAGE, { site: "vision.self.z", layer: 1, head: 0, position: 6 });
  assert.match(look.title, /^vision L1H0 from token 6 \(1,1\), /); // behind [CLS], of 4 x 4
  const pattern = pair.clean.at("vision.self.pattern", { layer: 1 });
  const own = (pattern.arraySync() as number[][][])[0]![6]!;
  pattern.dispose();
  const { patterns } = await answerAttention(pair.clean, 6, { site: "vision.self.z" });
  assert.equal(patterns[1]![0], own);
  const options = { layer: 0, head: 0 } as const;
  await refused(() => overlay(pair, CLEAN_IMAGE, { ...options, site: "vision.self.z" }), "options", "from one token");
  await refused(
    () => overlay(pair, CLEAN_IMAGE, { ...options, site: "decoder.cross.z", position: 0 }),
    "site",
    "text.cross.z",
  );
  await refused(() => overlay(pair, CLEAN_IMAGE, { ...options, site: "text.cross.z", tile: 1 }), "site", "tile");
});

for (const name of ["idefics3", "llava"])
  test(`${name}: an overlay shows what the tile shows that is looked at`, async () => {
    const { model, expected, folder } = await Decoder.load(name);
    const image = `${folder}/clean.png`;
    const { question } = expected.questions.clean;
    using made = await model.pair({ image, corruptImage: `${folder}/corrupt.png`, question, answers: ["red", "blue"] });
    const places = imagePlaces(model, await pictureOf(image));
    for (const { token, tile = 0 } of [places[0]!, places.at(-1)!]) {
      const look = await overlay(made, image, { site: "vision.self.z", layer: 0, head: 1, position: token });
      const box = model.reader!.boxes(await pictureOf(image))[tile]!;
      const off = [look.picture.width - box[2], look.picture.height - box[3]];
      assert.ok(
        off.every((pixels) => Math.abs(pixels) <= 1),
        `${off}`,
      ); // to whole pixels
      const pattern = made.clean.at("vision.self.pattern", { layer: 0 });
      const [values, patches] = [pattern.arraySync() as number[][][], look.grid.length ** 2];
      pattern.dispose();
      const { patterns } = await answerAttention(made.clean, token, { site: "vision.self.z" });
      assert.equal(patterns[0]![1]!.slice(-patches), values[1]![token]!.slice(-patches));
    }
    assert.match((await overlay(made, image, { layer: 0, head: 1 })).title, /^text L0H1 from token \d+/);
  });

test("pairs and tensors are text; a picture and a pair's input are pictures", async () => {
  assert.match((await displayed(pair))["text/plain"]!, /the image is corrupted\n {2}clean +logit difference -?\d/);
  const z = pair.clean.at("text.cross.z", { layer: 0 });
  assert.match((await displayed(z))["text/plain"]!, /^float32 \[/);
  z.dispose();
  const picture = { width: 2, height: 1, data: Uint8Array.of(255, 0, 0, 0, 0, 255) };
  const enlarged = await png(await displayed(show(picture)));
  assert.equal([enlarged.width, enlarged.height], [192, 96]);
  const sample = { image: picture, corruptImage: picture, question: "is it red?", answers: ["red", "blue"] as const };
  assert.equal((await png(await displayed(show(sample)))).width, 2 * 192 + 8);
});

test("what cannot be shown is refused", async () => {
  const input = {
    image: CLEAN_IMAGE,
    corruptImage: CORRUPT_IMAGE,
    question: "is it red?",
    answers: ["red", "blue"] as const,
  };
  await refused(() => show(input), "options", "as pixels");
  await refused(() => show(tf as never), "options");
  await refused(() => show(3 as never), "options", "a number");
});

test.after(() => {
  pair[Symbol.dispose]();
  blip[Symbol.dispose]();
});

test.run();
