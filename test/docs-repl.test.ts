import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { decodePicture } from "../src/pictures/decode.js";
import { temporaryFolder } from "./support/checkpoint.js";
import { runCode, runNode } from "./support/program.js";
import { MAIN, ROOT } from "./support/root.js";
import { sameAsShown } from "./support/shown.js";

const GUIDE = readFileSync(join(ROOT, "docs/repl.md"), "utf8");

/** Texts and numbers of a transcript, spaces left out: how wide a column is depends on the last digit of a number. */
const wordsOf = (text: string) => text.split(/\s+|(?<=[[:,])|(?=[\],)])/).filter((word) => word !== "");

test("the session of the guide prints what stands there", async () => {
  const lines = Array.from(GUIDE.matchAll(/^ {4}(.*)$|^$/gm), ([, line = ""]) => line);
  const session = lines.slice(lines.findIndex((line) => line.startsWith("> ")));
  const typed = session.filter((line) => line.startsWith("> ")).map((line) => line.slice(2));
  assert.ok(typed.length >= 5);
  const printed = wordsOf(await runNode([MAIN, "repl"], `${typed.join("\n")}\n`));
  const expected = wordsOf(session.filter((line) => !line.startsWith("> ")).join("\n"));
  assert.is(printed.length, expected.length, printed.join(" "));
  for (const [i, word] of expected.entries())
    assert.ok(
      sameAsShown(printed[i]!, word),
      `${printed[i]} for ${word} in ${printed.slice(Math.max(0, i - 5), i + 5).join(" ")}`,
    );
});

test("the code of the guide runs and writes its pictures", async () => {
  const [, code] = /```ts\n([\s\S]*?)```/.exec(GUIDE)!;
  const folder = temporaryFolder();
  const ours = (path: string) => new URL(`../src/${path}.js`, import.meta.url).href;
  const local = code!
    .replace('"vlm-notice/display"', `"${ours("display")}"`)
    .replace('"vlm-notice"', `"${ours("index")}"`)
    .replace(/^import (.*) from (.*);$/gm, "const $1 = await import($2);")
    .replace(/writeFile\("/g, `writeFile("${folder}/`);
  assert.match(await runCode(local), /text\.cross\.z at token 4 \(red\)[\s\S]*change of the logit difference/);
  for (const name of ["heads.png", "look.png"]) {
    const path = join(folder, name);
    assert.ok(existsSync(path));
    const { width, height } = await decodePicture(readFileSync(path), path);
    assert.ok(width >= 200 && height >= 150, `${name}: ${width} x ${height}`);
  }
});

test.run();
