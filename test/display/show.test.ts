import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { overlay, PLAIN, show } from "../../src/display.js";
import { type Blip, loadBlip, sweep } from "../../src/index.js";
import { answerAttention } from "../../src/patching/answer-attention.js";
import { imagePlaces } from "../../src/patching/image-places.js";
import { pictureOf } from "../../src/patching/inputs.js";
import type { Pair } from "../../src/patching/pair.js";
import { patchHead } from "../../src/patching/patch.js";
import { Scores } from "../../src/patching/scores.js";
import { decodePicture } from "../../src/pictures/decode.js";
import "../../src/register.js";
import { NEGATIVE, POSITIVE } from "../../src/page/colour.js";
import { decimals } from "../../src/page/map.js";
import { drawOverlay } from "../../src/report/overlay.js";
import { Decoder } from "../support/decoders.js";
import { Fixture } from "../support/fixture.js";
import { refused } from "../support/refused.js";
import { CLEAN_IMAGE, CLEAN_QUESTION, CORRUPT_IMAGE, NARROW, samplePair } from "../support/samples.js";

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
  const look = await overlay(pair, { layer: 1, head: 2 });
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
  assert.match(
    show(look).text({ columns: 80, colours: 256 }),
    /▀[\s\S]*\ntext\.cross L1H2 from token 3 \(red\)\nIs it red or striped\?\nred, not striped: probability 0\.\d\d as shown/,
  );
  await refused(() => overlay(pair, { layer: 1, head: 2, position: "all" }), "options", "from one token");
  await refused(() => overlay(pair, { layer: 99, head: 2 }), "site", "L99H2");
});

test("an overlay's figure has its title, its token, the effect, and a scale with values; the PNG shows them", async () => {
  const look = await overlay(pair, { layer: 1, head: 2, position: 4 });
  const { effect } = await patchHead(pair, { site: "text.cross.z", layer: 1, head: 2, position: 4 });
  assert.is(look.effect, effect);
  const bundle = await displayed(look);
  const svg = bundle["image/svg+xml"]!;
  const texts = Array.from(svg.matchAll(/>([^<]+)</g), ([, text]) => text!);
  const all = texts.join(" ");
  for (const part of ["text.cross L1H2 from token 4 (or)", CLEAN_QUESTION, effect!.toFixed(3), "minus the mean"])
    assert.ok(all.includes(part), `${part} is not in ${all}`);
  const extent = Math.max(...look.grid.flat().map(Math.abs));
  for (const part of [-1, -0.5, 0, 0.5, 1]) assert.ok(texts.includes(decimals(part * extent, extent)), `${texts}`);
  const [, address] = /<image xlink:href="data:image\/png;base64,([^"]+)"/.exec(svg)!;
  const drawn = await decodePicture(Buffer.from(address!, "base64"), "the drawing");
  assert.equal(drawn, drawOverlay(await pictureOf(CLEAN_IMAGE), look.grid, { side: 640 }).picture);
  const { width, height, data } = await png(bundle);
  assert.ok(width > drawn.width && height > drawn.height + 100); // two pixels for each of the figure's
  // Somewhere the drawing stands as it is; below it the ends of the scale, over grey as the colours of the drawing are.
  const colours = new Set<string>();
  for (let at = 0; at < data.length; at += 3) colours.add(`${data.subarray(at, at + 3)}`);
  const ends = [NEGATIVE, POSITIVE].map((end) => `${end.map((channel) => Math.round(150 + 0.85 * (channel - 150)))}`);
  for (const colour of ends) assert.ok(colours.has(colour), colour);
});

test("without a head an overlay is of the one that restores most; of half a head it is none", async () => {
  const scores = await sweep(pair, { site: "text.cross.z", position: "answer" });
  const effects = [0, 1].flatMap((layer) =>
    [0, 1, 2, 3].map((head) => ({ layer, head, effect: scores.at("effect", layer, head, pair.answerToken!)! })),
  );
  const { layer, head, effect } = effects.reduce((a, b) => (b.effect > a.effect ? b : a));
  const look = await overlay(pair);
  assert.equal([look.layer, look.head], [layer, head]);
  assert.ok(Math.abs(look.effect! - effect) < 1e-5);
  const [next] = effects.filter((one) => one.layer !== layer || one.head !== head).sort((a, b) => b.effect - a.effect);
  assert.match(look.subtitle.at(-1)!, `; the next head, L${next!.layer}H${next!.head}, ${next!.effect.toFixed(3)}.`);
  await refused(() => overlay(pair, { layer: 0 }), "options", "takes layer and head, or neither");
});

test("the picture of an overlay is the pair's own, or another that is given", async () => {
  const own = await pictureOf(CLEAN_IMAGE);
  assert.equal((await overlay(pair, { layer: 0, head: 0 })).picture, own);
  const other = await pictureOf(CORRUPT_IMAGE);
  assert.equal((await overlay(pair, { layer: 0, head: 0, image: CORRUPT_IMAGE })).picture, other);
  using bare = await (await Fixture.load("narrow")).pair("image");
  await refused(() => overlay(bare, { layer: 0, head: 0 }), "image", "was made of pixels");
});

test("an overlay of attention within the picture is of a patch, and of another attention refused", async () => {
  const look = await overlay(pair, { site: "vision.self.z", layer: 1, head: 0, position: 6 });
  assert.match(look.title, /^vision\.self L1H0 from token 6 \(1,1\)$/); // behind [CLS], of 4 x 4
  const pattern = pair.clean.at("vision.self.pattern", { layer: 1 });
  const own = (pattern.arraySync() as number[][][])[0]![6]!;
  pattern.dispose();
  const { patterns } = await answerAttention(pair.clean, 6, { site: "vision.self.z" });
  assert.equal(patterns[1]![0], own);
  const options = { layer: 0, head: 0 } as const;
  await refused(() => overlay(pair, { ...options, site: "vision.self.z" }), "options", "from one token");
  await refused(() => overlay(pair, { ...options, site: "decoder.cross.z", position: 0 }), "site", "text.cross.z");
  await refused(() => overlay(pair, { ...options, site: "text.cross.z", tile: 1 }), "site", "tile");
});

for (const name of ["idefics3", "llava", "llava-grouped"])
  test(`${name}: an overlay shows what the tile shows that is looked at`, async () => {
    const { model, expected, folder } = await Decoder.load(name);
    const image = `${folder}/clean.png`;
    const { question } = expected.questions.clean;
    using made = await model.pair({ image, corruptImage: `${folder}/corrupt.png`, question, answers: ["red", "blue"] });
    const places = imagePlaces(model, await pictureOf(image));
    for (const { token, tile = 0 } of [places[0]!, places.at(-1)!]) {
      const look = await overlay(made, { site: "vision.self.z", layer: 0, head: 1, position: token });
      const picture = await pictureOf(image);
      const boxes = model.reader!.boxes(picture);
      assert.equal(look.box, boxes[tile]);
      assert.equal([look.picture.width, look.picture.height], [picture.width, picture.height]);
      assert.is(look.title.includes(`, tile ${tile} of ${boxes.length}`), boxes.length > 1);
      const pattern = made.clean.at("vision.self.pattern", { layer: 0 });
      const [values, patches] = [pattern.arraySync() as number[][][], look.grid.length ** 2];
      pattern.dispose();
      const { patterns } = await answerAttention(made.clean, token, { site: "vision.self.z" });
      assert.equal(patterns[0]![1]!.slice(-patches), values[1]![token]!.slice(-patches));
    }
    const last = await overlay(made, { layer: 0, head: 1 });
    assert.not.match(last.subtitle.join(), "<image>");
    const among = imagePlaces(model, await pictureOf(image), made.question);
    assert.is(last.grid.length ** 2, among.filter(({ tile }) => tile === among.at(-1)!.tile).length);
    assert.match(last.title, /^text\.self L0H1 from token \d+/);
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
