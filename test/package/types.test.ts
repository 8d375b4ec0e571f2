import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import ts from "typescript";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { temporaryFolder } from "../support/checkpoint.js";
import { ROOT } from "../support/root.js";

// What we publish, in a project as `npx tsc --init` makes it, with the declarations of libraries checked.

const CODE = `
import { loadBlip, sweep } from "vlm-notice";
import { HeadMap, mount, openWorker, scoreMap as mapOf } from "vlm-notice/browser";
import { show, terminalOf } from "vlm-notice/display";
import { headMapSpec, scoreMap } from "vlm-notice/figures";
import { openPool } from "vlm-notice/pool";
import { runStages } from "vlm-notice/study";

using blip = await loadBlip("weights/scenes", { backend: "wasm" });
using pair = await blip.pair({ image: "a.png", corruptImage: "b.png", question: "is it red?", answers: ["red", "blue"] });
const scores = await sweep(pair, { site: "text.cross.z" }, { direction: "noise" });
console.log(show(scores).text(terminalOf({})), headMapSpec(scoreMap(scores)), openPool, openWorker, runStages, blip.memory?.toFixed());
mount(document.querySelector("#map"), HeadMap, { map: mapOf(scores), selected: [0, 0] });
`;

const project = temporaryFolder();

/** Writes our declarations into the project's node_modules, beside links to all that we depend on. */
function publish(): void {
  const modules = join(project, "node_modules");
  const ours = join(modules, "vlm-notice");
  mkdirSync(join(ours, "dist"), { recursive: true });
  copyFileSync(join(ROOT, "package.json"), join(ours, "package.json"));
  for (const name of readdirSync(join(ROOT, "node_modules")))
    if (name !== "vlm-notice") symlinkSync(join(ROOT, "node_modules", name), join(modules, name));
  const { config } = ts.readConfigFile(join(ROOT, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  const emitting = { noEmit: false, noCheck: true, declaration: true, emitDeclarationOnly: true };
  const entries = readdirSync(join(ROOT, "src")).filter((name) => name.endsWith(".ts"));
  const program = ts.createProgram(
    [...entries, "base/dispose.ts"].map((name) => join(ROOT, "src", name)),
    { ...options, ...emitting, paths: {}, rootDir: join(ROOT, "src"), outDir: join(ours, "dist") },
  );
  program.emit();
}

/** What TypeScript finds wrong, by file and message. */
function faults(changes: ts.CompilerOptions): string[] {
  const { config } = ts.readConfigFile(join(project, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, project);
  assert.equal([options.exactOptionalPropertyTypes, options.types], [true, []]);
  const program = ts.createProgram([join(project, "index.ts")], { ...options, skipLibCheck: false, ...changes });
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`);
}

test("our types pass in a new project, without skipLibCheck; TensorFlow.js needs those of `long`", () => {
  writeFileSync(join(project, "package.json"), '{ "type": "module" }');
  writeFileSync(join(project, "index.ts"), CODE);
  const compiler = createRequire(import.meta.url).resolve("typescript/bin/tsc");
  execFileSync(process.execPath, [compiler, "--init"], { cwd: project });
  assert.match(readFileSync(join(project, "tsconfig.json"), "utf8"), '"target": "esnext"');
  publish();
  assert.equal(faults({ types: ["long"] }), []);
});

test.run();
