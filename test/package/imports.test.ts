import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";

interface Loaded {
  readonly packages: readonly string[];
  /** Our own. */
  readonly sources: readonly string[];
}

/** What is loaded by importing `name`, and what after running `code` as well. */
async function loadedBy(name: string, code = ""): Promise<{ imported: Loaded; used: Loaded }> {
  const script = fileURLToPath(new URL("loaded-modules.js", import.meta.url));
  const args = [script, name, code];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 });
  const [imported, used] = (JSON.parse(stdout) as string[][]).map((addresses): Loaded => {
    const all = (pattern: RegExp) => [
      ...new Set(addresses.flatMap((address) => pattern.exec(decodeURIComponent(address))?.[1] ?? [])),
    ];
    return {
      packages: all(/.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/).sort(),
      sources: all(/^(?:file:\/\/)?[^?]*\/src\/([^?]+)\.js/),
    };
  });
  return { imported: imported!, used: used! };
}

/** What a pass takes: tensors, checks of foreign JSON, word pieces, PNGs. */
const CORE = [
  "@huggingface/tokenizers",
  "@tensorflow/tfjs-core",
  "long",
  "node-fetch",
  "pngjs",
  "seedrandom",
  "tr46",
  "webidl-conversions",
  "whatwg-url",
  "zod",
];

const DRAWING = ["@resvg/resvg-wasm", "vega", "vega-lite"];

const others = (found: readonly string[], known: readonly string[]) => found.filter((name) => !known.includes(name));
const matching = (found: readonly string[], pattern: RegExp) => found.filter((name) => pattern.test(name));

test("importing the library loads what a pass takes; patching adds the backend and what reads files", async () => {
  const { imported, used } = await loadedBy(
    "vlm-notice",
    `const blip = await it.loadBlip("weights/scenes", { backend: "wasm" });
    const [image, corruptImage] = ["examples/star-red.png", "examples/star-blue.png"];
    const pair = await blip.pair({ image, corruptImage, question: "is this star red or blue?", answers: ["red", "blue"] });
    await it.patchHead(pair, { site: "text.cross.z", layer: 0, head: 0 });`,
  );
  assert.ok(imported.packages.includes("@tensorflow/tfjs-core") && imported.sources.includes("patching/sweep"));
  assert.equal(others(imported.packages, CORE), []);
  // files/open.ts loads the rest of its room when a model is opened.
  assert.equal(matching(imported.sources, /^(cli|data|executors|files|jobs|report|study)\//), ["files/open"]);
  assert.equal(others(used.packages, CORE), ["@tensorflow/tfjs-backend-wasm"]);
  assert.equal(matching(used.sources, /^(cli|data|executors|jobs|report|study)\//), []);
});

test("figures load what draws when they draw", async () => {
  const map = `{ values: [[1]], title: "", legend: "", rows: { title: "" }, columns: { title: "" } }`;
  const { imported, used } = await loadedBy("vlm-notice/figures", `await it.headMapPng(${map})`);
  const drawing = ({ packages }: Loaded) => packages.filter((name) => DRAWING.includes(name));
  assert.equal([drawing(imported), drawing(used)], [[], DRAWING]);
});

test("what pages import loads no TensorFlow.js and no schemas", async () => {
  const { imported } = await loadedBy("vlm-notice/browser");
  assert.ok(imported.sources.includes("executors/browser-worker") && imported.sources.includes("page/head-map"));
  assert.equal(imported.packages, ["preact"]);
});

test("a pool loads no database, and a study no figures and no command", async () => {
  const { imported: pool } = await loadedBy("vlm-notice/pool");
  assert.ok(pool.sources.includes("executors/processes"));
  assert.equal(matching(pool.packages, /duckdb|vega|resvg|commander|cli-progress/), []);
  const { imported: study } = await loadedBy("vlm-notice/study");
  assert.ok(study.packages.includes("@duckdb/node-api"));
  assert.equal(matching(study.packages, /vega|resvg|commander|cli-progress/), []);
});

test("the version is told without any command", async () => {
  const program = new URL("../../src/cli/program.js", import.meta.url).href;
  const { used } = await loadedBy(program, `await it.program("--version")`);
  assert.equal(matching(used.sources, /^cli\//).sort(), ["cli/program", "cli/streams"]);
});

test.run();
