import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { overlay, show } from "../../src/display.js";
import { loadBlip } from "../../src/patching/load-model.js";
import { noiseAttention } from "../../src/patching/nulls.js";
import { sweep } from "../../src/patching/sweep.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { noticeHere } from "../support/command.js";
import { ANSWERS, CLEAN_IMAGE, CLEAN_QUESTION, CORRUPT_IMAGE, NARROW, samplePair } from "../support/samples.js";

const folder = temporaryFolder();
const file = (name: string) => join(folder, name);
const OVERLAY = [
  ...["overlay", NARROW, "--image", CLEAN_IMAGE, "--corrupt-image", CORRUPT_IMAGE, "--question", CLEAN_QUESTION],
  ...["--answers", ANSWERS.join(","), "--backend", "wasm", "--draws", "0"],
];

test("the library's overlay as a PNG and an SVG, its numbers as JSON, its title on the terminal", async () => {
  using blip = await loadBlip(NARROW, { backend: "wasm", warn() {} });
  using pair = await samplePair(blip, "image");
  const place = ["--site", "text.cross.pattern", "--head", "L1H2", "--position", "4"];
  const look = await overlay(pair, { site: "text.cross.pattern", layer: 1, head: 2, position: 4 });
  const [png, svg, json] = [file("look.png"), file("look.svg"), file("look.json")];
  const first = await noticeHere(...OVERLAY, ...place, "--out", png, "--json", json);
  assert.equal([first.code, first.stderr], [0, ""]);
  assert.is(first.stdout, `${[look.title, ...look.subtitle].join("\n")}\n`);
  assert.ok(readFileSync(png).equals((await show(look).png())!));
  const found = JSON.parse(readFileSync(json, "utf8"));
  assert.equal([found.grid, found.effect, found.token], [look.grid, look.effect, 4]);
  assert.is((await noticeHere(...OVERLAY, ...place, "--out", svg, "--json", json)).code, 0); // written anew
  // Vega counts its gradients.
  const same = (text: string) => text.replaceAll(/gradient_\d+/g, "gradient");
  assert.ok(same(readFileSync(svg, "utf8")) === same((await show(look).svg())!));
});

test("without a head it is the strongest; without a file it is drawn on the terminal", async () => {
  using blip = await loadBlip(NARROW, { backend: "wasm", warn() {} });
  using pair = await samplePair(blip, "image");
  const { code, stdout } = await noticeHere(...OVERLAY);
  assert.equal([code, stdout], [0, `${show(await overlay(pair)).text()}\n`]);
});

test("beside it stands what the clean run loses where the head looks elsewhere", async () => {
  using blip = await loadBlip(NARROW, { backend: "wasm", warn() {} });
  using pair = await samplePair(blip, "image");
  const losses: number[] = [];
  for (const seed of [0, 1]) {
    const site = "text.cross.pattern" as const;
    const source = noiseAttention(pair, { seed });
    const scores = await sweep(pair, { site, direction: "noise", source });
    losses.push(scores.at("effect", 1, 2, 4)!);
  }
  const json = file("elsewhere.json");
  const place = ["--head", "L1H2", "--position", "4", "--out", file("elsewhere.png")];
  const { code, stdout } = await noticeHere(...OVERLAY, ...place, "--draws", "2", "--json", json);
  assert.is(code, 0);
  const { mean, low, high, draws } = JSON.parse(readFileSync(json, "utf8")).elsewhere;
  assert.is(draws, 2);
  const expected = [(losses[0]! + losses[1]!) / 2, Math.min(...losses), Math.max(...losses)];
  for (const [i, found] of [mean, low, high].entries()) assert.ok(Math.abs(found - expected[i]!) < 1e-4);
  assert.ok(low < high);
  assert.match(
    stdout,
    /in a random order the clean run loses -?\d\.\d{3} of the logit difference \(.* in 2 draws\)\.\n$/,
  );
});

for (const [what, args, said] of [
  ["half a head", ["--head", "L2"], "A head such as L2H3 was expected"],
  ["no such head", ["--head", "L7H0"], "There is no head L7H0"],
  ["a misspelt site", ["--site", "text.cros.pattern"], "Did you mean text.cross.pattern?"],
  ["an attention without the picture", ["--site", "text.self.pattern"], "does not look at the picture"],
  ["several tokens", ["--position", "0-2"], "A head looks from one token"],
  ["a photograph", ["--out", file("look.jpg")], "--out", "figures are written as .png or .svg"],
] as const)
  test(`refused: ${what}`, async () => {
    const { code, stdout, stderr } = await noticeHere(...OVERLAY, ...args);
    assert.equal([code, stdout], [2, ""], stderr);
    assert.match(stderr, said);
  });

test.run();
