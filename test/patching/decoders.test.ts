import { test } from "uvu";
import * as assert from "uvu/assert";
import { NoticeError } from "../../src/base/errors.js";
import type { Model } from "../../src/patching/model.js";
import type { Pair } from "../../src/patching/pair.js";
import { patchHead } from "../../src/patching/patch.js";
import { resolvePosition } from "../../src/patching/positions.js";
import { sweep } from "../../src/patching/sweep.js";
import { DECODERS, Decoder } from "../support/decoders.js";
import { refused } from "../support/refused.js";

const TOLERANCE = 1e-4;

/** The pair that `make_decoders.py` patches. */
async function pairOf(decoder: Decoder, mode: "image" | "text"): Promise<Pair> {
  const { model, expected } = decoder;
  const { question } = expected.questions.clean;
  const begun = { image: decoder.picture("clean"), question, answers: ["red", "blue"] as [string, string] };
  return (model as Model).pair(
    mode === "image"
      ? { ...begun, corruptImage: decoder.picture("corrupt") }
      : { ...begun, corruptQuestion: expected.questions.corruptQuestion.question },
  );
}

for (const name of DECODERS)
  for (const [mode, sites] of [
    ["image", ["z", "k", "v"]],
    ["text", ["z"]],
  ] as const)
    test(`${name}, ${mode}: every head x token x layer is that of a forward hook`, async () => {
      const decoder = await Decoder.load(name);
      using pair = await pairOf(decoder, mode);
      const before = pair.readings.corrupted.logitDiff;
      for (const site of sites) {
        const scores = await sweep(pair, { site: `text.self.${site}` as "text.self.z" });
        const expected = await decoder.tensor(`scores/${mode}/${site}`);
        const [layers, heads, tokens] = expected.shape as [number, number, number, number];
        assert.equal(scores.toJSON().shape, [layers, heads, tokens]);
        const values = await expected.data();
        let worst = 0;
        for (let layer = 0; layer < layers; layer++)
          for (let head = 0; head < heads; head++)
            for (let token = 0; token < tokens; token++) {
              const at = ((layer * heads + head) * tokens + token) * 3;
              const [correct, incorrect, prob] = [values[at]!, values[at + 1]!, values[at + 2]!];
              worst = Math.max(
                worst,
                Math.abs(scores.at("logitDiff", layer, head, token)! + before - (correct - incorrect)),
                Math.abs(scores.at("prob", layer, head, token)! - prob),
              );
            }
        assert.ok(worst <= TOLERANCE, `${site}: off by ${worst}`);
      }
    });

for (const name of DECODERS)
  test(`${name}: the sweep's scores are those of one patch at a time, of every site`, async () => {
    const decoder = await Decoder.load(name);
    using pair = await pairOf(decoder, "image");
    const last = pair.question.ids.length - 1;
    for (const site of ["text.self.q", "text.self.pattern", "text.self.v"] as const) {
      const scores = await sweep(pair, { site, position: [2, last] });
      for (const token of [2, last]) {
        const one = await patchHead(pair, { site, layer: 0, head: 1, position: token });
        assert.ok(Math.abs(scores.at("logitDiff", 0, 1, token)! - one.logitDiff) <= 1e-5, `${site} at ${token}`);
      }
    }
  });

test("a later word of an answer is refused: its prompt would have no picture", async () => {
  const decoder = await Decoder.load(DECODERS[0]!);
  const { question } = decoder.expected.questions.clean;
  const [image, corruptImage] = [decoder.picture("clean"), decoder.picture("corrupt")];
  const pair = { image, corruptImage, question, answers: ["red", "blue"], at: 2 } as const;
  await refused(() => (decoder.model as Model).pair(pair), "options", "leave at out");
});

test("positions name the picture, the question and the last token", async () => {
  const decoder = await Decoder.load("idefics3");
  using pair = await pairOf(decoder, "image");
  const { question } = pair;
  const at = (position: string) =>
    resolvePosition(position, question.ids.length, question, { correct: { text: "red" }, incorrect: { text: "blue" } });
  assert.equal(at("last"), [question.ids.length - 1]);
  assert.ok(at("image").every((token) => question.tokens[token] === "<image>"));
  assert.is(at("image").length, 20, "4 tiles and the whole, of 4 tokens each");
  const text = (tokens: readonly number[]) =>
    decoder.model.tokenizer.decode(tokens.map((token) => question.ids[token]!));
  assert.is(text(at("question")).trim(), "Is this star red or blue?");
  assert.is(text(at("red")).trim(), "red");
  assert.is(text(at("star")).trim(), "star");
  assert.throws(
    () => at("sta"),
    (error: Error) => error instanceof NoticeError && error.code === "tokens",
  );
});

test.run();
