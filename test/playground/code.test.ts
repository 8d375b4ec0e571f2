import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { codeOf, FILES } from "../../playground/code.js";
import { keptExample } from "../../playground/example.js";
import { scenePair } from "../../playground/scenes.js";
import { START } from "../../playground/state.js";
import type { View } from "../../playground/view.js";
import { encodePng } from "../../src/pictures/picture.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { noticeHere } from "../support/command.js";
import { runCodeHere } from "../support/program.js";

const given = scenePair(START.task, START.scene);
const off = [
  { layer: 0, head: 0 },
  { layer: 1, head: 4 },
];
const view = (how: View["state"]["how"]): View => ({
  ...{ state: { ...START, off, how }, given, own: {}, model: { done: 0, of: 0 }, effects: [], past: [], models: [] },
  ...{ said: "" },
});

/** The two pictures, and a text that finds them. */
function placed(text: string): string {
  const folder = temporaryFolder();
  for (const which of ["image", "corruptImage"] as const)
    writeFileSync(join(folder, FILES[which]), encodePng(given[which]));
  return text.replaceAll(/\b(clean|corrupted)\.png/g, (file) => join(folder, file));
}

/** With its import as a function may have it. */
function imported(program: string): string {
  const index = new URL("../../src/index.js", import.meta.url).href;
  return program.replace(/^import (\{.*\}) from "vlm-notice";/, `const $1 = await import("${index}");`);
}

test("the copied program and the copied command find what the page shows", async () => {
  const { found, effects } = await keptExample();
  const token = found.token!;
  const isShown = (table: { metrics: { effect: number[][][] } }) => {
    for (const [layer, heads] of effects.entries())
      for (const [head, tokens] of heads!.entries())
        assert.ok(Math.abs(table.metrics.effect[layer]![head]![token]! - tokens[token]!) < 1e-4);
  };
  const [scores, ablated] = (await runCodeHere(imported(placed(codeOf(view("corrupted")).typescript)))).split(
    /\n(?=\{ *\n? *prob)/,
  );
  isShown(JSON.parse(scores!));
  assert.match(ablated!, /effect: 0\.\d/);
  const [, patched] = (await runCodeHere(imported(placed(codeOf(view("clean")).typescript)))).split(
    /\n(?=\{ *\n? *prob)/,
  );
  assert.match(patched!, /effect: 0\.\d/);
  assert.not.equal(patched, ablated);
  const json = join(temporaryFolder(), "scores.json");
  const line = placed(codeOf(view("zero")).shell)
    .replaceAll("\\\n", " ")
    .replace("scores.json", json);
  const words = Array.from(line.matchAll(/'([^']*)'|(\S+)/g), ([, quoted, bare]) => quoted ?? bare!);
  const { code, stderr } = await noticeHere(...words.slice(2));
  assert.is(code, 0, stderr);
  isShown(JSON.parse(readFileSync(json, "utf8")));
});

test("words of a stranger's address stay words in the command", () => {
  const hostile = { ...view("zero"), given: { ...given, question: 'it\'s $(rm -rf ~) `x` "y"?' } };
  const { shell, typescript } = codeOf(hostile);
  assert.match(shell, `--question 'it'\\''s $(rm -rf ~) \`x\` "y"?'`);
  assert.match(typescript, 'question: "it\'s $(rm -rf ~) `x` \\"y\\"?"');
});

test.run();
