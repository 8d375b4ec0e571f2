import { once } from "node:events";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { servedModel } from "../../src/cli/playground.js";
import { type Served, staticServer } from "../../src/cli/static-server.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { refused } from "../support/refused.js";

const folder = temporaryFolder();
const outside = temporaryFolder();
writeFileSync(join(folder, "index.html"), "<p>page");
writeFileSync(join(folder, "ten.txt"), "0123456789");
writeFileSync(join(folder, "none.txt"), "");
writeFileSync(join(outside, "secret.txt"), "secret");
symlinkSync(join(outside, "secret.txt"), join(folder, "link.txt"));
const folders: Record<string, string | Served> = { "/": folder, "/model/": "weights/scenes" };
const server = staticServer({ folders, headers: { "Content-Security-Policy": "default-src 'none'" } });

test.before(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
test.after(() => void server.close());

/** The path as it is given: `fetch` would tidy it up. */
function get(path: string, headers: Record<string, string> = {}, method = "GET") {
  const { port } = server.address() as AddressInfo;
  return new Promise<{ status: number; body: string; headers: Record<string, unknown> }>((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, headers, method, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () =>
        resolve({
          status: response.statusCode!,
          body: Buffer.concat(parts).toString("latin1"),
          headers: response.headers,
        }),
      );
    });
    sent.on("error", reject).end();
  });
}

test("files are served with their type and the policy, the longest folder first", async () => {
  const page = await get("/");
  assert.is(page.body, "<p>page");
  assert.match(String(page.headers["content-type"]), "text/html");
  assert.is(page.headers["content-security-policy"], "default-src 'none'");
  assert.is(page.headers["x-content-type-options"], "nosniff");
  assert.is((await get("/model/config.json")).body, readFileSync("weights/scenes/config.json", "latin1"));
  assert.is((await get("/none.txt")).status, 200);
  const head = await get("/ten.txt", {}, "HEAD");
  assert.equal([head.body, head.headers["content-length"]], ["", "10"]);
});

test("no path leads out of a folder", async () => {
  const paths = [
    "/../package.json",
    "/%2e%2e/package.json",
    "/..%2fpackage.json",
    "/model/../../package.json",
    "//etc/passwd",
  ].concat([
    "/model/..%5c..%5cpackage.json",
    "/%00",
    "/%",
    "/link.txt",
    "/model",
    "/model/",
    "/ten.txt/",
    `/..${outside}/secret.txt`,
  ]);
  for (const path of paths) {
    const { status, body } = await get(path);
    assert.is(status, 404, path);
    assert.is(body, "404\n");
  }
});

test("a hub id is served from the hub's cache, whose files are links; a link that leads out of it is not", async () => {
  const cache = temporaryFolder();
  const [repository, commit] = [join(cache, "models--owner--tiny"), "0123456789abcdef0123456789abcdef01234567"];
  const snapshot = join(repository, "snapshots", commit);
  for (const path of [snapshot, join(repository, "blobs"), join(repository, "refs")])
    mkdirSync(path, { recursive: true });
  writeFileSync(join(repository, "refs/main"), commit);
  for (const name of readdirSync("weights/scenes")) {
    copyFileSync(join("weights/scenes", name), join(repository, "blobs", `blob-of-${name}`));
    symlinkSync(`../../blobs/blob-of-${name}`, join(snapshot, name));
  }
  symlinkSync(join(outside, "secret.txt"), join(snapshot, "secret.txt"));
  const before = process.env.HF_HUB_CACHE;
  process.env.HF_HUB_CACHE = cache;
  try {
    folders["/hub/"] = await servedModel("owner/tiny");
  } finally {
    if (before === undefined) delete process.env.HF_HUB_CACHE;
    else process.env.HF_HUB_CACHE = before;
  }
  const config = await get("/hub/config.json");
  assert.is(config.body, readFileSync("weights/scenes/config.json", "latin1"));
  assert.is(config.headers["content-type"], "application/json");
  const weights = await get("/hub/model.safetensors", { range: "bytes=8-15" });
  assert.equal(
    [weights.status, weights.body],
    [206, readFileSync("weights/scenes/model.safetensors").subarray(8, 16).toString("latin1")],
  );
  assert.is((await get("/hub/secret.txt")).status, 404);
  assert.is((await get("/hub/../../refs/main")).status, 404);
  await refused(() => servedModel("weights/scene"), "checkpoint", "did you mean weights/scenes");
  await refused(() => servedModel("not a model"), "checkpoint", "no hub id either");
});

test("parts are served, and parts that are not there refused", async () => {
  const part = async (range: string) => {
    const { status, body, headers } = await get("/ten.txt", { range });
    return [status, body, headers["content-range"]];
  };
  assert.equal(await part("bytes=2-4"), [206, "234", "bytes 2-4/10"]);
  assert.equal(await part("bytes=7-"), [206, "789", "bytes 7-9/10"]);
  assert.equal(await part("bytes=-3"), [206, "789", "bytes 7-9/10"]);
  assert.equal(await part("bytes=8-99"), [206, "89", "bytes 8-9/10"]);
  assert.equal(await part("bytes=10-"), [416, "416\n", "bytes */10"]);
  assert.equal(await part("lines=1-2"), [200, "0123456789", undefined]);
});

test("other names of this machine and other methods are refused", async () => {
  assert.is((await get("/", { host: "evil.example" })).status, 403);
  assert.is((await get("/", {}, "POST")).status, 405);
});

test.run();
