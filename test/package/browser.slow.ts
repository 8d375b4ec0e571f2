import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { build, type PreviewServer, preview } from "vite";
import { staticServer } from "../../src/cli/static-server.js";
import { decodePicture } from "../../src/pictures/decode.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { CHROMIUM, CHROMIUM_FLAGS, HAS_CHROMIUM, NO_CHROMIUM } from "../support/chromium.js";
import { lacking } from "../support/needed.js";
import { ROOT } from "../support/root.js";

const test = suite("browser");

const PIXELS = join(ROOT, "test/fixtures/pixels");
const PICTURES = join(ROOT, "test/fixtures/pictures");

let browser: Browser | undefined;
const servers: (PreviewServer | Server)[] = [];

test.after(async () => {
  await browser?.close();
  for (const server of servers) await server.close();
});

/** Bundles a folder as its README says, and serves the bundle. */
async function bundled(root: string): Promise<{ url: string; outDir: string }> {
  const outDir = temporaryFolder();
  await build({ root: join(ROOT, root), base: "./", build: { outDir, emptyOutDir: true }, logLevel: "error" });
  const server = await preview({ root: join(ROOT, root), build: { outDir }, preview: { port: 0, host: "127.0.0.1" } });
  servers.push(server);
  return { url: server.resolvedUrls!.local[0] ?? server.resolvedUrls!.network[0]!, outDir };
}

/** A page, what went wrong in it, and the files that it asked for. */
async function open(url: string, before = "") {
  browser ??= await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS });
  const page = await browser.newPage();
  const complaints: string[] = [];
  const asked: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => asked.push(new URL(request.url()).pathname.split("/").at(-1)!));
  if (before) await page.addInitScript(before);
  await page.goto(url);
  return { page, complaints, asked };
}

async function shown(page: Page): Promise<{ said: string; cells: number }> {
  await page.locator("#map svg").waitFor({ timeout: 60_000 });
  const cells = await page.locator('#map [aria-roledescription="rect mark"]').count();
  return { said: await page.locator("#said").innerText(), cells };
}

/** What the examples show: the sweep of a worker as a map whose cells can be chosen, by mouse and keyboard. */
async function usesExample(url: string): Promise<string[]> {
  const { page, complaints, asked } = await open(url);
  const said = page.locator("#said");
  await said.getByText("L0H0 brings back 0.180 of the answer").waitFor({ timeout: 60_000 });
  assert.is(await page.getByRole("gridcell").count(), 3 * 6);
  const other = page.getByRole("gridcell", { name: "layer 1, head 3:" });
  await other.click();
  const [shown] = /-?\d\.\d+/.exec((await said.innerText()).replace("L1H3 brings back ", ""))!;
  const [, exact] = /exactly (.*)$/.exec((await other.getAttribute("aria-label"))!.replace("−", "-"))!;
  assert.ok(Math.abs(Number(shown) - Number(exact)) < 0.001, `${shown} ${exact}`);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  await said.getByText("L1H4 brings back").waitFor();
  assert.equal(complaints, []);
  assert.ok(
    asked.some((file) => /^tfjs-backend-wasm.*\.wasm$/.test(file)),
    `wasm was not asked for: ${asked}`,
  );
  await page.close();
  return asked;
}

test("the example sweeps in a worker in Vite's bundle, and the page itself is light", async () => {
  const { url, outDir } = await bundled("examples/browser");
  const asked = await usesExample(url);
  assert.ok(
    asked.some((file) => /^worker.*\.js$/.test(file)),
    `${asked}`,
  );
  assert.not.ok(asked.some((file) => /libjpeg/.test(file)));
  const files = readdirSync(join(outDir, "assets")).filter((file) => /^index.*\.js$/.test(file));
  assert.is(files.length, 1);
  const { length } = readFileSync(join(outDir, "assets", files[0]!));
  assert.ok(length < 100_000, `${length} bytes`);
});

test("the plain page does so without a bundler", async () => {
  const server = staticServer({ folders: { "/": ROOT }, headers: {} });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await usesExample(`http://127.0.0.1:${port}/examples/plain-page/index.html`);
});

let example: Awaited<ReturnType<typeof bundled>>;

test("the library patches in a page itself, and draws the map", async () => {
  example = await bundled("test/package/in-page");
  const { page, complaints, asked } = await open(example.url);
  const { said, cells } = await shown(page);
  assert.equal(complaints, []);
  assert.is(cells, 3 * 6);
  // What Hugging Face's model and the procedure of the paper give is tested in Node; the browser says the same.
  assert.match(said, /L0H0 brings back 0\.180 of the answer/);
  assert.ok(
    asked.some((file) => /^tfjs-backend-wasm.*\.wasm$/.test(file)),
    `wasm was not asked for: ${asked}`,
  );
  const rest = /ttf|resvg|index_bg|libjpeg/;
  assert.equal(
    asked.filter((file) => rest.test(file)),
    [],
    "what no step used was fetched",
  );
});

test("the bundle asks for nothing of Node's", () => {
  const scripts = readdirSync(join(example.outDir, "assets")).filter((file) => file.endsWith(".js"));
  assert.ok(scripts.length > 3);
  for (const file of scripts) {
    const code = readFileSync(join(example.outDir, "assets", file), "utf8");
    assert.not.match(code, /["'`]node:|duckdb/, file);
  }
});

test("a browser without Symbol.dispose is enough", async () => {
  const lacking = `{
    const native = Symbol;
    const own = {};
    globalThis.Symbol = new Proxy(function () {}, {
      apply: (_, self, [description]) => native(description),
      get: (_, name) => (name === "dispose" ? own.dispose : native[name]),
      set: (_, name, value) => Reflect.set(own, name, value),
    });
  }`;
  const { page, complaints } = await open(example.url, lacking);
  assert.match((await shown(page)).said, /0\.180/);
  assert.equal(complaints, []);
});

test("pictures decode in a browser to Pillow's pixels", async () => {
  const { url } = await bundled("test/package/decoders");
  const { page, complaints } = await open(url);
  await page.waitForFunction("globalThis.notice");
  const { decoded } = JSON.parse(readFileSync(join(PIXELS, "expected.json"), "utf8")) as {
    decoded: Record<string, [width: number, height: number, sha256: string]>;
  };
  const more = JSON.parse(readFileSync(join(PICTURES, "expected.json"), "utf8")) as typeof decoded;
  const names = [...Object.keys(decoded), ...Object.keys(more)];
  assert.ok(names.some((name) => name.endsWith("png")) && names.some((name) => name.endsWith("jpg")));
  for (const name of names) {
    const file = readFileSync(join(name in more ? PICTURES : PIXELS, name)).toString("base64");
    const found = await page.evaluate<[number, number, string]>(`(async () => {
      const bytes = Uint8Array.from(atob("${file}"), (letter) => letter.charCodeAt(0));
      const { width, height, data } = await notice.decodePicture(bytes, "${name}");
      const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
      return [width, height, [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("")];
    })()`);
    assert.equal(found, more[name] ?? decoded[name], name);
  }
  const map = await page.evaluate<number[]>(`(async () => [...await notice.headMapPng({
    values: [[0.1, 0.9]], title: "map", legend: "effect", rows: { title: "layer" }, columns: { title: "head" },
  })])()`);
  const { width } = await decodePicture(Uint8Array.from(map), "the map of the browser");
  assert.ok(width > 200);
  assert.equal(complaints, []);
});

if (HAS_CHROMIUM) test.run();
else lacking("browser", NO_CHROMIUM);
