import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { temporaryFolder } from "./support/checkpoint.js";
import { noticeHere } from "./support/command.js";
import { runCode } from "./support/program.js";
import { ROOT } from "./support/root.js";
import { checkShown, printingShown } from "./support/shown.js";

const README = readFileSync(join(ROOT, "README.md"), "utf8");

test("the commands of the README do what it says", async () => {
  const folder = temporaryFolder();
  const commands = Array.from(README.matchAll(/^ {4}npx notice ((?:.*\\\n)*.*)$/gm), ([, command]) => command!);
  assert.ok(commands.length >= 2);
  for (const command of commands) {
    const words = Array.from(
      command.replaceAll("\\\n", "").matchAll(/"([^"]*)"|(\S+)/g),
      ([, quoted, bare]) => quoted ?? bare!,
    );
    const outputs = words.filter((_, i) => ["--png", "--json"].includes(words[i - 1]!));
    const args = words.map((word) => (outputs.includes(word) ? join(folder, word) : word));
    const { code, stdout, stderr } = await noticeHere(...args);
    assert.is(code, 0, stderr);
    assert.match(stdout, /red/);
    for (const output of outputs) assert.ok(existsSync(join(folder, output)), output);
  }
});

test("the code of the README runs and prints effects", async () => {
  const [, code] = /```ts\n([\s\S]*?)```/.exec(README)!;
  const index = new URL("../src/index.js", import.meta.url).href;
  const stdout = await runCode(
    printingShown(code!).replace(/import (.*) from "vlm-notice";/, `const $1 = await import("${index}");`),
  );
  checkShown(code!, stdout);
  const [effect, score] = stdout.trim().split(/\s+/).map(Number);
  assert.ok(Math.abs(effect!) < 2 && Math.abs(effect! - score!) <= 1e-5, `${effect} and ${score}`);
});

test.run();
