import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { temporaryFolder } from "../support/checkpoint.js";
import { npm } from "../support/pack.js";
import { ROOT } from "../support/root.js";

/** What is built here: nothing but the command, so that compiling it takes a second. */
const COMMAND = '#!/usr/bin/env node\nprocess.stdout.write("it runs\\n");\n';

test("npx notice runs after a build, and after another one", async () => {
  const folder = temporaryFolder();
  for (const name of ["scripts", "src/cli"]) mkdirSync(join(folder, name), { recursive: true });
  for (const name of ["package.json", "tsconfig.json", "tsconfig.build.json", "scripts/build.mjs"])
    copyFileSync(join(ROOT, name), join(folder, name));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "src/cli/main.ts"), COMMAND);
  for (const pages of ["browser.mjs", "playground.mjs"]) writeFileSync(join(folder, "scripts", pages), "");
  const build = () => promisify(execFile)(process.execPath, ["scripts/build.mjs"], { cwd: folder });
  await build();
  const { bin } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const linked = join(folder, "notice");
  symlinkSync(join(folder, bin.notice), linked); // as npm links it, once
  assert.is((await promisify(execFile)(linked)).stdout, "it runs\n");
  await build();
  assert.is((await promisify(execFile)(linked)).stdout, "it runs\n");
  assert.match(await npm(["exec", "--offline", "--", "notice"], folder), "it runs");
});

test.run();
