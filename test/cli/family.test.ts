import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { draw, sampleScene } from "../../src/data/scenes/scene.js";
import { KNOWN, readConfig } from "../../src/model/architectures.js";
import { loadModel } from "../../src/patching/load-model.js";
import { encodePng } from "../../src/pictures/picture.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { noticeHere } from "../support/command.js";
import { refused } from "../support/refused.js";

// The commands on BLIP's other heads, and what these refuse.

const MATCHING = "weights/scenes-itm";
const CAPTIONING = "weights/scenes-caption";

const picture = join(temporaryFolder(), "scene.png");
writeFileSync(picture, encodePng(draw(sampleScene("faces", 1000, 0)).picture));

for (const [model, form] of [
  [MATCHING, "match"],
  [CAPTIONING, "caption"],
] as const) {
  test(`accuracy puts scenes to ${model} as it takes them`, async () => {
    const { code, stdout, stderr } = await noticeHere("accuracy", model, "--n", "20", "--json", "-");
    assert.is(code, 0, stderr);
    const found = JSON.parse(stdout) as { form: string; results: Record<"accuracy" | "flips" | "blank", number>[] };
    assert.is(found.form, form);
    assert.is(found.results.length, 3);
    for (const { accuracy, flips, blank } of found.results) {
      assert.ok(accuracy >= 0.85 && flips >= 0.8, `${accuracy} ${flips}`);
      assert.ok(blank >= 0.15 && blank <= 0.85, `${blank}`);
    }
  });

  test(`scenes --as ${form} writes pairs that ${model} takes`, async () => {
    const folder = join(temporaryFolder(), "scenes");
    assert.is((await noticeHere("scenes", "--out", folder, "--n", "2", "--as", form)).code, 0);
    const [pairs, out] = [join(folder, "pairs.jsonl"), join(folder, "faithful.jsonl")];
    const faithful = ["faithful", model, "--pairs", pairs, "--top", "8", "--random", "2", "--workers", "1"];
    const { code, stderr } = await noticeHere(...faithful, "--out", out);
    assert.is(code, 0, stderr);
    // Every other line is for the ranking.
    assert.is(readFileSync(out, "utf8").trimEnd().split("\n").length, 3);
  });

  test(`${model} refuses a text longer than its positions by name`, async () => {
    const config = JSON.parse(readFileSync(join(model, "config.json"), "utf8"));
    const positions: number = config.text_config.max_position_embeddings;
    const text = Array.from({ length: positions }, () => "red").join(" ");
    const said = new RegExp(`has ${positions + 2} tokens .*the model takes at most \\d+\\. Shorten it`);
    using loaded = await loadModel(model);
    await refused(() => loaded.ask({ image: picture, question: text }), "tokens", said);
    const { code, stderr } = await noticeHere("ask", model, "--image", picture, "--question", text);
    assert.is(code, 2);
    assert.match(stderr, said);
  });
}

test("a captioning model that is asked to match is refused by name", async () => {
  const given = ["--image", picture, "--question", "a picture of", "--corrupt-question", "a photo of"];
  const { code, stderr } = await noticeHere("sweep", CAPTIONING, ...given, "--answers", "match,no match");
  assert.is(code, 2);
  assert.match(
    stderr,
    /scenes-caption is a blip-caption, which does not match pictures and sentences; a blip-itm does/,
  );
  const study = await noticeHere(
    "study",
    "--out",
    join(temporaryFolder(), "run"),
    "--model",
    CAPTIONING,
    "--as",
    "match",
  );
  assert.is(study.code, 2);
  assert.match(study.stderr, /is a blip-caption, which cannot match a picture and a sentence; blip-itm can/);
});

test("a folder of an unknown architecture is refused with those that are known", async () => {
  const json = JSON.stringify({ model_type: "blip", architectures: ["BlipForEverything"] });
  const known = KNOWN.map(({ checkpoint }) => checkpoint.className).join(", ");
  const said = new RegExp(`is of the architecture "BlipForEverything"; known are ${known}\\.`);
  await refused(() => readConfig(json, "config.json"), "checkpoint", said);
  const folder = temporaryFolder();
  writeFileSync(join(folder, "config.json"), json);
  const { code, stderr } = await noticeHere("ask", folder, "--image", picture, "--question", "red?");
  assert.is(code, 2);
  assert.match(stderr, said);
});

test.run();
