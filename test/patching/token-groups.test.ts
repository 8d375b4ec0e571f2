import { test } from "uvu";
import * as assert from "uvu/assert";
import { sweepGroups } from "../../src/patching/group-sweep.js";
import { loadBlip } from "../../src/patching/load-model.js";
import type { Model } from "../../src/patching/model.js";
import { tokenGroups } from "../../src/patching/token-groups.js";
import { Decoder } from "../support/decoders.js";
import { plantIn } from "../support/planted.js";
import { refused } from "../support/refused.js";
import { NARROW, samplePair } from "../support/samples.js";

test("patches: the object, those that touch it, the others; words: the question, the answer, the last", async () => {
  using blip = await loadBlip(NARROW);
  using pair = await samplePair(blip, "image");
  const side = Math.sqrt(pair.clean.at("vision.resid_post", { layer: 0 }).shape[0]! - 1);
  const at = (row: number, column: number) => 1 + row * side + column;
  const groups = tokenGroups(pair, { site: "vision.resid_post", object: [at(0, 0)] });
  assert.equal(Object.keys(groups), side > 2 ? ["object", "neighbours", "other patches"] : ["object", "neighbours"]);
  assert.equal(groups.neighbours, [at(0, 1), at(1, 0), at(1, 1)]);
  assert.is(Object.values(groups).flat().length, side ** 2, "[CLS] is in none");
  // [CLS] is this ... red or blue ? [SEP]
  const words = tokenGroups(pair, { site: "text.cross.z" });
  const { answerToken, question } = pair;
  assert.equal(words.answer, [answerToken]);
  assert.equal(words.last, [question.ids.length - 1]);
  assert.is((words.question as number[]).length, question.ids.length - 2);
  await refused(async () => tokenGroups(pair, { site: "vision.resid_post", object: [1000] }), "site", "1000");
});

test("where the picture stands among the words, a site has all groups, tile by tile", async () => {
  const decoder = await Decoder.load("idefics3");
  const { question } = decoder.expected.questions.clean;
  const [image, corruptImage] = [decoder.picture("clean"), decoder.picture("corrupt")];
  using pair = await (decoder.model as Model).pair({ image, corruptImage, question, answers: ["red", "blue"] });
  const among = pair.question.image!;
  // 5 tiles of 2 x 2 tokens: what touches the first of the second tile is the rest of that tile.
  const groups = tokenGroups(pair, { site: "text.resid_post", object: [among[4]!] });
  assert.equal(Object.keys(groups), ["object", "neighbours", "other patches", "question", "answer", "last"]);
  assert.equal(groups.neighbours, among.slice(5, 8));
  assert.equal(groups["other patches"], [...among.slice(0, 4), ...among.slice(8)]);
  assert.equal(groups.last, [pair.question.ids.length - 1]);
  const all = Object.values(groups).flat();
  assert.is(new Set(all).size, all.length, "no token is in two");
});

test("in a planted model the object carries the answer until a head has moved it to the last token", async () => {
  for (const className of ["LlavaForConditionalGeneration", "Idefics3ForConditionalGeneration"] as const) {
    using planted = await plantIn(className, "single");
    const { pair } = planted;
    const site = "text.resid_post" as const;
    const groups = tokenGroups(pair, { site, object: [0] });
    assert.equal(Object.keys(groups), ["object", "neighbours", "last"]);
    const { object: seen, neighbours, last } = await sweepGroups(pair, { site, groups });
    const effects = [seen, neighbours, last].map((scores) =>
      scores!.map(({ effect }) => Math.round(100 * effect!) / 100),
    );
    // The head is in layer 1.
    assert.equal(effects, [
      [1, 0, 0],
      [0, 0, 0],
      [0, 1, 1],
    ]);
  }
});

test.run();
