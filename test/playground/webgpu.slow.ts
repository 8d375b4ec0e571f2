import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { HAS_CHROMIUM, NO_CHROMIUM } from "../support/chromium.js";
import { lacking } from "../support/needed.js";
import { launch, Site, said, saved } from "../support/playground-page.js";

// The playground's folder in a browser that has a GPU: SwiftShader, a program that stands in for one.

const test = suite("playground-webgpu");

const FLAGS = [
  ...["--no-sandbox", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"],
  ...["--enable-features=Vulkan", "--ignore-gpu-blocklist"],
];
const LONG = { timeout: 300_000 };

let site: Site;

test.before(async () => {
  site = await Site.open(FLAGS);
});

test.after(() => site?.close());

const most = (found: number[][][], expected: number[][][]) =>
  Math.max(...found.flat(2).map((value, i) => Math.abs(value - expected.flat(2)[i]!)));

/** Every effect of a sweep of the scene that the page shows. */
async function swept(page: Page): Promise<number[][][]> {
  await page.getByRole("button", { name: /^Sweep (all heads|again)$/ }).click(LONG);
  await said(page, "The sweep is done.", LONG);
  return JSON.parse(readFileSync(await saved(page, "All as JSON", LONG), "utf8")).effects;
}

const SCENE = "#task=attributes&scene=41";
/** In the worker, before its script: its device is there for the test to end. */
const HELD = `{
  const request = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (...args) {
    return (globalThis.device = await request.apply(this, args));
  };
}`;
/** A GPU whose numbers are wrong. */
const WRONG = `{
  const range = GPUBuffer.prototype.getMappedRange;
  GPUBuffer.prototype.getMappedRange = function (...args) {
    const bytes = range.apply(this, args);
    if (this.usage & GPUBufferUsage.MAP_READ) new Float32Array(bytes)[0] += 0.01;
    return bytes;
  };
}`;

test("a whole sweep on the GPU is that of wasm; where the GPU is lost the page goes on", async () => {
  const { page, complaints } = await site.visit(`?backend=webgpu${SCENE}`, { inWorker: HELD });
  await page.getByText("text.cross.z, on webgpu").waitFor(LONG);
  const found = await swept(page);
  const { page: other } = await site.visit(`?backend=wasm${SCENE}`);
  await other.getByText("text.cross.z, on wasm").waitFor(LONG);
  const expected = await swept(other);
  assert.is(expected.flat(2).length, 3 * 6 * expected[0]![0]!.length);
  assert.ok(Math.max(...expected.flat(2)) > 0.1);
  assert.ok(most(found, expected) <= 1e-4, `${most(found, expected)}`);
  await page.workers()[0]!.evaluate("device.destroy()");
  const after = await swept(page);
  await page.getByText("on wasm (WebGPU is not used: it does not answer any more)").waitFor(LONG);
  assert.is(after.flat(2).length, expected.flat(2).length);
  assert.ok(most(after, expected) <= 1e-6, `${most(after, expected)}`);
  assert.equal(complaints, []);
});

test("a GPU that computes otherwise is not used", async () => {
  const { page } = await site.visit(`?backend=webgpu${SCENE}`, { inWorker: WRONG });
  await page.getByText(/on wasm \(WebGPU is not used: a pass is 0\.01 from what wasm says\)/).waitFor(LONG);
  await page.getByText("the model says").first().waitFor(LONG);
});

test("a program that stands in for a GPU is not taken by itself; without an adapter nothing of it is loaded", async () => {
  const assets = join(site.folder, "assets");
  const kernels = readdirSync(assets).filter((file) =>
    readFileSync(join(assets, file), "utf8").includes("as WebGPUBackend"),
  );
  const { page, asked } = await site.visit(SCENE);
  await page.getByText(/on wasm \(WebGPU is not used: .*swiftshader.* is no hardware\)/i).waitFor(LONG);
  assert.equal(
    kernels.map((file) => asked.includes(file)),
    [true],
  );
  const without = await launch();
  try {
    const { page, asked } = await site.visit(SCENE, { from: without });
    await page.getByText("on wasm. ").waitFor(LONG);
    await swept(page);
    assert.not.ok(asked.includes(kernels[0]!), `${asked}`);
  } finally {
    await without.close();
  }
});

if (HAS_CHROMIUM) test.run();
else lacking("browser", NO_CHROMIUM);
