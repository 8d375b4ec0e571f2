import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { loadBlip, patchHead } from "../../src/index.js";
import { decodePicture } from "../../src/pictures/decode.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { lacking } from "../support/needed.js";
import { ROOT } from "../support/root.js";

const test = suite("notebook");
const at = (path: string) => join(ROOT, path);
const SAVED = at("examples/notebook.ipynb");

/**
 * A folder with `venv` (jupyter-client, nbformat) and `node_modules` (deno), as .ci/run makes it. The notebook imports
 * what `npm run build` made.
 */
const KERNEL = process.env.NOTICE_KERNEL;

interface Output {
  output_type: string;
  text?: string[];
  data?: Record<string, string | string[]>;
}

interface Cell {
  cell_type: string;
  source: string[];
  outputs?: Output[];
}

const cellsOf = (file: string) => (JSON.parse(readFileSync(file, "utf8")) as { cells: Cell[] }).cells;
const code = (cells: readonly Cell[]) => cells.filter((cell) => cell.cell_type === "code");
const outputs = (cells: readonly Cell[]) => code(cells).flatMap((cell) => cell.outputs!);

/** Sizes of all PNGs that cells show. */
async function sizes(cells: readonly Cell[]): Promise<number[][]> {
  const pngs = outputs(cells).flatMap(({ data }) => data?.["image/png"] ?? []);
  const pictures = await Promise.all(pngs.map((png) => decodePicture(Buffer.from(png, "base64"), "an output")));
  return pictures.map(({ width, height }) => [width, height]);
}

async function execute(): Promise<Cell[]> {
  const out = join(temporaryFolder(), "notebook.ipynb");
  const deno = join(KERNEL!, "node_modules/.bin/deno");
  await promisify(execFile)(join(KERNEL!, "venv/bin/python"), [at("scripts/notebook.py"), deno, SAVED, out]);
  return cellsOf(out);
}

test("the saved notebook has its maps and its overlay", async () => {
  const saved = await sizes(cellsOf(SAVED));
  assert.is(saved.length, 4);
  for (const [width, height] of saved) assert.ok(width! >= 192 && height! >= 192, `${width} x ${height}`);
});

const kernelTest = KERNEL === undefined ? () => {} : test;

kernelTest("it runs from start to end in Deno's kernel, and shows what the library computes", async () => {
  assert.ok(existsSync(at("dist/display.js")), "npm run build comes first");
  const cells = await execute();
  assert.not.ok(outputs(cells).some(({ output_type }) => output_type === "error"));
  assert.equal(await sizes(cells), await sizes(cellsOf(SAVED)));
  const kinds = outputs(cells).map(({ data }) =>
    Object.keys(data ?? {})
      .sort()
      .join(" "),
  );
  assert.is(kinds.filter((kind) => kind === "image/png image/svg+xml text/html text/plain").length, 3);
  assert.is(kinds.filter((kind) => kind === "image/png text/html text/plain").length, 1);
  using blip = await loadBlip(at("weights/scenes"));
  using pair = await blip.pair({
    image: at("examples/star-red.png"),
    corruptImage: at("examples/star-blue.png"),
    question: "is this star red or blue?",
    answers: ["red", "blue"],
  });
  const { effect } = await patchHead(pair, { site: "text.cross.z", layer: 0, head: 0, position: "answer" });
  const printed = outputs(cells).flatMap(({ text }) => text ?? []);
  assert.ok(
    printed.some((line) => Math.abs(Number(line) - effect!) < 0.002),
    `${effect} in ${printed}`,
  );
});

if (KERNEL === undefined) lacking("kernel", "NOTICE_KERNEL names no folder with a Jupyter client and Deno");

test.run();
