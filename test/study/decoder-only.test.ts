import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { inProcess } from "../../src/executors/in-process.js";
import { answerAttention } from "../../src/patching/answer-attention.js";
import { loadModel } from "../../src/patching/load-model.js";
import { readCircuits } from "../../src/study/circuits.js";
import { StudyRun } from "../../src/study/run.js";
import { runStages } from "../../src/study/study.js";
import { wordingOf } from "../../src/study/wording.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { CLEAN_IMAGE } from "../support/samples.js";

// weights/scenes-lm: 16 tokens of the picture among those of the prompt, 4 layers of 6 heads.

const MODEL = "weights/scenes-lm";
const QUESTION = "is this star red or blue?";

test("a study goes from scenes to circuits that are read at the last token", async () => {
  const settings = { model: MODEL, n: 2, verify: 0, resamples: 100 };
  using run = await StudyRun.open(join(temporaryFolder(), "run"), settings);
  using model = await loadModel(MODEL);
  await runStages(run, ["prepare", "evaluate", "select", "patch"], { executor: inProcess(model) });
  assert.equal([run.settings.sites, run.settings.position], [["text.self.z", "text.resid_post"], "last"]);
  const { circuits } = await readCircuits(run);
  const [first] = circuits;
  assert.equal([first!.circuit.heads.length, first!.circuit.samples], [24, 2]);
  // What the picture says reaches the answer through heads at the last token, and through no head at a word before it.
  const largest = (position: string) =>
    run.store.rows<{ size: number }>(
      `SELECT max(abs(effect)) AS size FROM scores JOIN passes USING (dataset, sample, modality)
       WHERE modality = 'image' AND layer = 3 AND position ${position} len(tokens) - 1`,
    );
  assert.ok((await largest("="))[0]!.size > 0.01);
  assert.is((await largest("<"))[0]!.size, 0);
  const looks = await run.store.rows<{ pattern: number[] | null }>("SELECT pattern FROM attention");
  assert.ok(looks.length >= 24 * 3);
});

test("a word of the question is found among the tokens of the prompt, and counted as it stands in a sentence", async () => {
  using run = await StudyRun.open(join(temporaryFolder(), "run"), { model: MODEL });
  const { pieces, read } = await wordingOf(run);
  assert.equal([pieces("red"), pieces(" blue "), pieces(QUESTION)], [1, 1, 7]);
  const { tokens, own, find } = read(QUESTION);
  const [[at, ...more]] = find("red") as [number[]];
  assert.equal([tokens[at!], more.length], ["Ġred", 0]);
  assert.is(own.at(-1), "?");
  assert.is(tokens.filter((token) => token === "<image>").length, 16);
});

test("where heads look is their pattern at the picture's tokens, and nothing at the [CLS] that it lacks", async () => {
  using model = await loadModel(MODEL);
  using pair = await model.pair({
    image: CLEAN_IMAGE,
    question: QUESTION,
    corruptQuestion: "is this star blue or blue?",
    answers: ["red", "blue"],
  });
  const {
    clean: run,
    question: { tokens },
  } = pair;
  const { patterns, norms, side } = await answerAttention(run, tokens.length - 1);
  assert.equal([patterns.length, patterns[0]!.length, side, norms.length], [4, 6, 4, 17]);
  const first = tokens.indexOf("<image>");
  for (const [layer, heads] of patterns.entries()) {
    const whole = (await run.at("text.self.pattern", { layer }).array()) as number[][][];
    for (const [head, row] of heads.entries()) {
      const wanted = whole[head]!.at(-1)!.slice(first, first + 16);
      assert.equal(row, [0, ...wanted], `L${layer}H${head}`);
    }
  }
  assert.is(norms[0], 0);
  assert.ok(norms.slice(1).every((norm) => norm > 0));
});

test.run();
