import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, readlink, realpath, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { NoticeError } from "../../src/base/errors.js";
import { type DownloadProgress, download, type HubOptions, resolveModel } from "../../src/files/hub.js";
import { hubCacheFolder, parseModelId } from "../../src/files/hub-cache.js";
import { partOf } from "../../src/files/leftovers.js";
import { COMMIT, gitSha1, HubServer, json, sendData, sha256 } from "./hub-server.js";

const WEIGHTS = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 7919 + (i >> 9)) & 255));
const SMALL = {
  "config.json": '{"model_type": "blip"}',
  "preprocessor_config.json": '{"size": 384}',
  "tokenizer.json": '{"model": {}}',
  "vocab.txt": "[PAD]\n[UNK]\n",
  "special_tokens_map.json": "",
};
const TINY = { ...SMALL, "model.safetensors": WEIGHTS, "pytorch_model.bin": "not wanted", "README.md": "# not wanted" };

const test = suite<{ cache: string }>("hub");
const oldEnvironment = { ...process.env };

test.before.each(async (context) => {
  for (const name of ["HF_TOKEN", "HF_ENDPOINT", "HF_HUB_OFFLINE", "HF_HUB_CACHE", "HF_HOME"]) delete process.env[name];
  context.cache = await mkdtemp(join(tmpdir(), "notice-hub-"));
});
test.after.each(async ({ cache }) => {
  Object.assign(process.env, oldEnvironment);
  await rm(cache, { recursive: true });
});

function at(server: HubServer, cache: string, more: HubOptions = {}): HubOptions {
  return { cache, endpoint: server.endpoint, timeoutMs: 300, retry: { attempts: 4, delayMs: 1 }, ...more };
}

async function refused(promise: Promise<unknown>, code: string, message: RegExp): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, NoticeError, String(error));
  assert.is((error as NoticeError).code, code);
  assert.match((error as NoticeError).message, message);
}

/** Every file in the model's folder, relative; links as `name -> target`. */
async function layout(cache: string): Promise<string[]> {
  const entries = await readdir(cache, { recursive: true, withFileTypes: true });
  const lines = entries
    .filter((entry) => !entry.isDirectory())
    .map(async (entry) => {
      const path = join(entry.parentPath ?? entry.path, entry.name);
      return path.slice(cache.length + 1) + (entry.isSymbolicLink() ? ` -> ${await readlink(path)}` : "");
    });
  return (await Promise.all(lines)).sort();
}

test("downloads what loading needs into the hub's cache layout", async ({ cache }) => {
  await using server = await HubServer.start(TINY);
  const seen: DownloadProgress[] = [];
  const folder = await download("owner/tiny-blip", at(server, cache, { onProgress: (state) => seen.push(state) }));

  const root = "models--owner--tiny-blip";
  const blobs = Object.entries({ ...SMALL, "model.safetensors": WEIGHTS }).map(([name, data]) => {
    const content = Buffer.from(data);
    return { name, digest: name.endsWith(".safetensors") ? sha256(content) : gitSha1(content) };
  });
  assert.is(folder, join(cache, root, "snapshots", COMMIT));
  assert.equal(
    await layout(cache),
    [
      ...blobs.map(({ digest }) => `${root}/blobs/${digest}`),
      ...blobs.map(({ digest }) => `${root}/.verified/${digest}`),
      ...blobs.map(({ name, digest }) => `${root}/snapshots/${COMMIT}/${name} -> ../../blobs/${digest}`),
      `${root}/refs/main`,
    ].sort(),
  );
  assert.is(await readFile(join(cache, root, "refs/main"), "utf8"), COMMIT);
  assert.ok(WEIGHTS.equals(await readFile(join(folder, "model.safetensors"))));
  assert.is(await readFile(join(folder, "special_tokens_map.json"), "utf8"), "");
  const total = WEIGHTS.length + Object.values(SMALL).join("").length;
  assert.equal(seen.at(-1), { file: "model.safetensors", done: total, total });
  assert.ok(seen.every((state, i) => i === 0 || state.done >= seen[i - 1]!.done));
});

test("uses a whole cached copy without a request, offline too", async ({ cache }) => {
  const server = await HubServer.start(TINY);
  const options = at(server, cache);
  const folder = await resolveModel("owner/tiny-blip", options);
  const requests = server.requests.length;
  await server[Symbol.asyncDispose]();
  assert.is(await resolveModel("owner/tiny-blip", options), folder);
  assert.is(await resolveModel(`owner/tiny-blip@${COMMIT}`, { ...options, offline: true }), folder);
  assert.is(server.requests.length, requests);

  await rm(join(cache, "models--owner--tiny-blip/blobs", sha256(WEIGHTS)));
  process.env.HF_HUB_OFFLINE = "1";
  await refused(resolveModel("owner/tiny-blip", options), "network", /without model\.safetensors.*HF_HUB_OFFLINE/s);
});

test("reads the cache folder from the environment as Python does", () => {
  assert.is(hubCacheFolder({ HF_HUB_CACHE: "/a", HF_HOME: "/b" }), "/a");
  assert.is(hubCacheFolder({ HF_HOME: "/b" }), "/b/hub");
  assert.ok(hubCacheFolder({}).endsWith("/.cache/huggingface/hub"));
  assert.not.ok(hubCacheFolder({}).startsWith("~"));
});

test("a local folder is returned as it is, the network untouched", async ({ cache }) => {
  process.env.HF_ENDPOINT = "http://127.0.0.1:1";
  await mkdir(join(cache, "owner/tiny-blip"), { recursive: true });
  const here = process.cwd();
  try {
    process.chdir(cache);
    assert.is(await resolveModel("owner/tiny-blip"), "owner/tiny-blip");
  } finally {
    process.chdir(here);
  }
  await writeFile(join(cache, "model.safetensors"), "");
  await refused(resolveModel(join(cache, "model.safetensors")), "checkpoint", /is a file, not a folder/);
  await refused(resolveModel("./nowhere"), "checkpoint", /no folder here, and no hub id either/);
});

test("takes for an id only what stays inside the cache", () => {
  assert.equal(parseModelId("Salesforce/blip-vqa-base"), { name: "Salesforce/blip-vqa-base", revision: "main" });
  assert.equal(parseModelId("a/b@refs/pr/1"), { name: "a/b", revision: "refs/pr/1" });
  const evil =
    "../b a/.. a/../b a/b/c /a/b a//b a/b@ a/b@../x a/b@x/../y a/b@/x a/b@x//y a/b@.x a/b@x/ a\\b a/b@x\\y a--b/c";
  for (const text of [...evil.split(" "), "", "a/b\n", "a/b@x\n", "a/b?x", "a/b#x", "a/%2e%2e"]) {
    assert.is(parseModelId(text), undefined, text);
  }
});

test("continues where a cut connection stopped, in this call and in the next", async ({ cache }) => {
  await using server = await HubServer.start(TINY);
  let cuts = 0;
  server.fault = ({ path, range }, response) => {
    if (!path.startsWith("/cdn/") || cuts === 5) return false;
    cuts++;
    const from = Number(/\d+/.exec(range ?? "0")![0]);
    const length = { "content-length": WEIGHTS.length - from };
    if (range) {
      response.writeHead(206, { ...length, "content-range": `bytes ${from}-${WEIGHTS.length - 1}/${WEIGHTS.length}` });
    } else response.writeHead(200, length);
    response.write(WEIGHTS.subarray(from, from + 300_000), () => response.socket?.end());
    return true;
  };
  const impatient = at(server, cache, { retry: { attempts: 2, delayMs: 1 } });
  await refused(download("owner/tiny-blip", impatient), "network", /cdn|resolve/);
  assert.is(cuts, 2);
  const partial = join(cache, "models--owner--tiny-blip/blobs", `${sha256(WEIGHTS)}.incomplete`);
  const kept = (await stat(partial)).size;

  const folder = await download("owner/tiny-blip", at(server, cache, { retry: { attempts: 9, delayMs: 1 } }));
  assert.ok(WEIGHTS.equals(await readFile(join(folder, "model.safetensors"))));
  // What was on its way when the connection broke may be lost, so the offsets are not quite multiples of 300,000.
  const offsets = server.downloads("model.safetensors").map(({ range }) => Number(/\d+/.exec(range ?? "0")![0]));
  assert.is(offsets.length, 6);
  assert.is(offsets[2], kept);
  assert.ok(offsets.every((offset, i) => i === 0 || offset > offsets[i - 1]!));
  assert.not((await layout(cache)).some((name) => name.includes("incomplete")));
});

test("starts a partial file again where the server ignores ranges, or where it was damaged", async ({ cache }) => {
  await using server = await HubServer.start(TINY);
  const blobs = join(cache, "models--owner--tiny-blip/blobs");
  const partial = join(blobs, `${sha256(WEIGHTS)}.incomplete`);
  await mkdir(blobs, { recursive: true });

  await writeFile(partial, "damaged");
  let folder = await download("owner/tiny-blip", at(server, cache));
  assert.ok(WEIGHTS.equals(await readFile(join(folder, "model.safetensors"))));
  assert.equal(
    server.downloads("model.safetensors").map(({ range }) => range),
    ["bytes=7-", undefined],
  );

  await rm(join(blobs, sha256(WEIGHTS)));
  await writeFile(partial, WEIGHTS.subarray(0, 1000));
  server.fault = (request, response) => {
    if (!request.path.startsWith("/cdn/")) return false;
    sendData(response, WEIGHTS, { ...request, range: undefined });
    return true;
  };
  folder = await download("owner/tiny-blip", at(server, cache));
  assert.ok(WEIGHTS.equals(await readFile(join(folder, "model.safetensors"))));

  await rm(join(blobs, sha256(WEIGHTS)));
  await writeFile(partial, Buffer.concat([WEIGHTS, WEIGHTS]));
  await download("owner/tiny-blip", at(server, cache));
});

for (const [name, content] of [
  ["model.safetensors", Buffer.concat([WEIGHTS.subarray(1), Buffer.of(1)])],
  ["config.json", Buffer.from('{"model_type": "blop"}')],
] as const) {
  test(`refuses a damaged ${name} and leaves nothing of it`, async ({ cache }) => {
    await using server = await HubServer.start(TINY);
    server.fault = (request, response) => {
      if (!request.path.startsWith("/cdn/") && !request.path.endsWith(`/${name}`)) return false;
      if (name.endsWith(".safetensors") && !request.path.startsWith("/cdn/")) return false;
      sendData(response, content, request);
      return true;
    };
    await refused(download("owner/tiny-blip", at(server, cache)), "network", /sha.* expected [0-9a-f]{40}/);
    const left = await layout(cache);
    assert.not(left.some((path) => path.includes("incomplete") || path.includes(name) || path.includes("refs")));
  });
}

test("a server that ignores ranges and cuts bodies is given up", async ({ cache }) => {
  await using server = await HubServer.start(TINY);
  for (const [share, most] of [
    [0.3, 9],
    [0.9, 6],
  ] as const) {
    let cuts = 0;
    server.fault = ({ path }, response) => {
      // Whoever comes so often would come for ever.
      if (!path.startsWith("/cdn/") || cuts > 40) return false;
      cuts++;
      response.writeHead(200, { "content-length": WEIGHTS.length });
      response.write(WEIGHTS.subarray(0, share * WEIGHTS.length), () => response.socket?.end());
      return true;
    };
    await refused(
      download("owner/tiny-blip", at(server, cache, { retry: { attempts: 9, delayMs: 1 } })),
      "network",
      /gave up after|bytes came, 4 times what it has/,
    );
    assert.ok(cuts <= most, `${cuts} cuts`);
  }
});

test("a blob of the right size that is damaged is noticed, and compared once only", async ({ cache }) => {
  await using server = await HubServer.start(TINY);
  const options = at(server, cache);
  const folder = await resolveModel("owner/tiny-blip", options);
  for (const [name, data] of [
    ["model.safetensors", WEIGHTS],
    ["config.json", Buffer.from(SMALL["config.json"])],
  ] as const) {
    const blob = await realpath(join(folder, name));
    const damaged = Buffer.from(data);
    damaged[5]! ^= 1;
    await writeFile(blob, damaged);
    await utimes(blob, 1, 1);
    const offline = resolveModel("owner/tiny-blip", { ...options, offline: true });
    await refused(offline, "network", new RegExp(`there without ${name} undamaged`));
    const before = server.requests.length;
    assert.is(await resolveModel("owner/tiny-blip", options), folder);
    assert.ok(data.equals(await readFile(blob)));
    assert.is(
      server.requests.slice(before).filter(({ path }) => /resolve|cdn/.test(path)).length,
      name === "config.json" ? 1 : 2,
    );

    // What changes neither size nor time is not read again.
    await utimes(blob, 2, 2);
    await resolveModel("owner/tiny-blip", options);
    await writeFile(blob, damaged);
    await utimes(blob, 2, 2);
    assert.is(await resolveModel("owner/tiny-blip", { ...options, offline: true }), folder);
    await writeFile(blob, data);
  }
});

test("a cache that Python filled is compared at its first use", async ({ cache }) => {
  await using server = await HubServer.start(TINY);
  const options = { ...at(server, cache), offline: true };
  const folder = await download("owner/tiny-blip", at(server, cache));
  await rm(join(cache, "models--owner--tiny-blip/.verified"), { recursive: true });
  assert.is(await resolveModel("owner/tiny-blip", options), folder);
  assert.is((await readdir(join(cache, "models--owner--tiny-blip/.verified"))).length, 6);
});

test("refuses a body with no end, and one of another length than listed", async ({ cache }) => {
  await using server = await HubServer.start(TINY);
  server.fault = ({ path }, response) => {
    if (!path.startsWith("/cdn/")) return false;
    response.writeHead(200);
    const more = () => !response.destroyed && response.write(WEIGHTS, more);
    more();
    return true;
  };
  await refused(download("owner/tiny-blip", at(server, cache)), "network", /sends more than the 3000000 bytes/);
  server.fault = (request, response) => {
    if (!request.path.startsWith("/cdn/")) return false;
    sendData(response, WEIGHTS.subarray(5), request);
    return true;
  };
  await refused(download("owner/tiny-blip", at(server, cache)), "network", /has 2999995 bytes of it.*3000000/);
  assert.not((await layout(cache)).some((path) => path.includes(sha256(WEIGHTS))));

  server.fault = ({ path }, response) => {
    if (!path.includes("/tree/")) return false;
    const next = `<${server.endpoint}${path}>; rel="next"`;
    response.writeHead(200, { "content-type": "application/json", link: next }).end("[]");
    return true;
  };
  await refused(download("owner/tiny-blip", at(server, cache)), "network", /list of files has no end/);
});

test("tries again after 429, 503 and silence, and gives up in the end", async ({ cache }) => {
  await using server = await HubServer.start(TINY);
  const failures: (() => number | undefined)[] = [() => 429, () => 503, () => undefined];
  server.fault = ({ path }, response) => {
    const failure = path.includes("/tree/") || path.startsWith("/cdn/") ? failures.pop() : undefined;
    if (!failure) return false;
    const status = failure();
    if (status) response.writeHead(status, { "retry-after": "0" }).end();
    return true;
  };
  await download("owner/tiny-blip", at(server, cache, { timeoutMs: 150 }));
  assert.is(failures.length, 0);

  server.fault = ({ path }, response) => path.includes("/tree/") && Boolean(response.writeHead(503).end());
  await refused(download("owner/tiny-blip", at(server, cache)), "network", /answered 503; gave up after 4 attempts/);
});

test("a server that asks to come back in five minutes is waited for, aloud, and once", async ({ cache }) => {
  await using server = await HubServer.start(TINY);
  let busy = 1;
  server.fault = ({ path }, response) =>
    path.startsWith("/cdn/") && busy-- > 0 && Boolean(response.writeHead(429, { "retry-after": "300" }).end());
  const slept: number[] = [];
  const told: string[] = [];
  const retry = { attempts: 6, delayMs: 1, sleep: async (ms: number) => void slept.push(ms) };
  const options = at(server, cache, { retry, onWait: (message) => told.push(message) });
  await download("owner/tiny-blip", options);
  assert.equal(slept, [300_000]);
  assert.is(told.length, 1);
  assert.match(told[0]!, /answered 429; trying again in 300 s/);

  await rm(join(cache, "models--owner--tiny-blip/blobs", sha256(WEIGHTS)));
  busy = 99;
  await refused(download("owner/tiny-blip", options), "network", /429; gave up since it asks to wait 300 s/);
  assert.equal(slept, [300_000, 300_000]);
});

test("a list of more files than a folder has is refused", async ({ cache }) => {
  await using server = await HubServer.start(TINY);
  server.fault = ({ path }, response) => {
    if (!path.includes("/tree/")) return false;
    const files = Array.from({ length: 10_001 }, (_, i) => ({
      type: "file",
      path: `${i}`,
      size: 1,
      oid: "0".repeat(40),
    }));
    json(response, files);
    return true;
  };
  await refused(download("owner/tiny-blip", at(server, cache)), "network", /more than 10000 files/);
});

test("says how to give a token, and gives it to the hub only", async ({ cache }) => {
  await using server = await HubServer.start(TINY);
  server.fault = ({ path, authorization }, response) => {
    if (!path.includes("/resolve/") || authorization === "Bearer hf_secret") return false;
    response.writeHead(401, { "x-error-code": "GatedRepo" }).end();
    return true;
  };
  const options = at(server, cache);
  await refused(download("owner/tiny-blip", options), "network", /401: the model is gated; no HF_TOKEN.*HF_TOKEN=hf_/);
  process.env.HF_TOKEN = "hf_secret";
  await download("owner/tiny-blip", options);
  assert.ok(server.requests.some(({ authorization }) => authorization));
  assert.not(server.downloads("model.safetensors").some(({ authorization }) => authorization));

  process.env.HF_TOKEN = "hf_sec\nret";
  const error = await download("owner/tiny-blip", options).catch((reason: Error) => reason.message);
  assert.not.match(String(error), /hf_sec/);
});

test("names both readings of what is neither a folder nor on the hub", async ({ cache }) => {
  await using server = await HubServer.start(TINY);
  const wrong = resolveModel("owner/scones", at(server, cache));
  await refused(wrong, "network", /no folder "owner\/scones" here.*as a hub id:.*404: there is no such model/);
  server.fault = ({ path }, response) =>
    path.endsWith("/v9") && Boolean(response.writeHead(404, { "x-error-code": "RevisionNotFound" }).end());
  await refused(download("owner/tiny-blip@v9", at(server, cache)), "network", /no revision "v9"/);
  assert.equal(await layout(cache), []);
});

test("a misspelt folder is no hub id: none is asked for it", async ({ cache }) => {
  await using server = await HubServer.start(TINY);
  const near: [string, string][] = [
    ["weights/scene", "weights/scenes"],
    ["weigths/scenes", "weights/scenes"],
    ["scenes", "weights/scenes"],
    ["weights", "weights/scenes"],
    ["weight/", "weights/scenes"],
    ["test/fixtures/narow", "test/fixtures/narrow"],
  ];
  for (const [written, meant] of near)
    await refused(resolveModel(written, at(server, cache)), "checkpoint", new RegExp(`did you mean ${meant}\\?`));
  assert.is(server.requests.length, 0);
  await refused(resolveModel("weights/scene@main", at(server, cache)), "network", /as a hub id:/);
  assert.ok(server.requests.length > 0);
});

test("says what to do about a repository without safetensors, or without the rest", async ({ cache }) => {
  await using pickled = await HubServer.start({ ...SMALL, "pytorch_model.bin": "x" });
  await refused(
    download("owner/tiny-blip", at(pickled, cache)),
    "checkpoint",
    /pytorch_model\.bin only.*save_pretrained/,
  );
  const { "tokenizer.json": _, "vocab.txt": __, ...rest } = TINY;
  await using bare = await HubServer.start(rest);
  await refused(download("owner/tiny-blip", at(bare, cache)), "checkpoint", /lacks tokenizer\.json or vocab\.txt/);
});

test("takes what version 5 of transformers saves, and says what an adapter is", async ({ cache }) => {
  const { "preprocessor_config.json": _, "vocab.txt": __, ...files } = TINY;
  const added = { "processor_config.json": '{"image_processor": {"size": 384}}', "added_tokens.json": "{}" };
  await using saved = await HubServer.start({ ...files, ...added });
  const folder = await download("owner/tiny-blip", at(saved, cache));
  for (const [name, content] of Object.entries(added)) assert.is(await readFile(join(folder, name), "utf8"), content);
  assert.is(await resolveModel("owner/tiny-blip", { cache, offline: true }), folder);
  await using adapter = await HubServer.start({ "adapter_config.json": "{}", "adapter_model.safetensors": "" });
  await refused(
    download("owner/tiny-blip", at(adapter, cache)),
    "checkpoint",
    /tiny-blip has an adapter.*merge_and_unload/,
  );
});

test("downloads the shards that an index names", async ({ cache }) => {
  const shards = { "model-00001-of-00002.safetensors": "first", "model-00002-of-00002.safetensors": "second" };
  const [a, b] = Object.keys(shards);
  const index = JSON.stringify({ weight_map: { "x.weight": a, "x.bias": a, "y.weight": b } });
  await using server = await HubServer.start({ ...SMALL, ...shards, "model.safetensors.index.json": index });
  const folder = await resolveModel("owner/tiny-blip", at(server, cache));
  assert.is(await readFile(join(folder, a!), "utf8"), "first");
  assert.is(await readFile(join(folder, b!), "utf8"), "second");
  await rm(join(folder, b!));
  await refused(resolveModel("owner/tiny-blip", { cache, offline: true }), "network", /without model-00002-of-00002/);
});

for (const evil of [
  "../../evil.safetensors",
  "/tmp/evil.safetensors",
  "a/b.safetensors",
  "evil.bin",
  "..safetensors",
  7,
]) {
  test(`refuses an index that names ${evil}`, async ({ cache }) => {
    const index = JSON.stringify({ weight_map: { x: evil } });
    const files = { ...SMALL, [String(evil)]: "evil", "model.safetensors.index.json": index };
    await using server = await HubServer.start(files);
    await refused(download("owner/tiny-blip", at(server, cache)), "checkpoint", /names no files, or files elsewhere/);
    assert.not((await layout(cache)).some((path) => path.includes("evil")));
  });
}

test("refuses evil paths, digests, sizes and commits in the hub's list", async ({ cache }) => {
  await using server = await HubServer.start(TINY);
  const tree = (change: object) => {
    server.fault = ({ path }, response) => {
      if (!path.includes("/tree/")) return false;
      const names = ["config.json", "preprocessor_config.json", "vocab.txt", "model.safetensors"];
      const files = names.map((name) => ({ type: "file", path: name, size: 1, oid: "0".repeat(40), ...change }));
      json(response, [...files, { type: "file", path: "../../escape", size: 1, oid: "../../escape" }]);
      return true;
    };
  };
  for (const change of [
    { oid: "../../../escape" },
    { size: -1 },
    { size: 1e12 },
    { size: "9" },
    { lfs: { oid: "x" } },
  ]) {
    tree(change);
    await refused(download("owner/tiny-blip", at(server, cache)), "network", /the hub lists/);
  }
  server.fault = ({ path }, response) => {
    if (!path.includes("/revision/")) return false;
    json(response, { _id: "1", id: "x", sha: "../../escape" });
    return true;
  };
  await refused(download("owner/tiny-blip", at(server, cache)), "network", /not the answer of a hub.*not a commit/);
  server.fault = (_, response) => Boolean(response.writeHead(200).end("<html>"));
  await refused(download("owner/tiny-blip", at(server, cache)), "network", /not the answer of a hub/);
  assert.not((await layout(cache)).some((path) => path.includes("escape")));
});

test("two downloads of one model at once fetch it once", async ({ cache }) => {
  await using server = await HubServer.start(TINY);
  const folders = await Promise.all([1, 2, 3].map(() => resolveModel("owner/tiny-blip", at(server, cache))));
  assert.is(new Set(folders).size, 1);
  assert.is(server.downloads("model.safetensors").length, 1);
});

test("a lock that a dead process left does not hold", async ({ cache }) => {
  await using server = await HubServer.start(TINY);
  const locks = join(cache, ".locks/models--owner--tiny-blip");
  await mkdir(locks, { recursive: true });
  await writeFile(join(locks, "notice.lock"), `${hostname()} 999999999`);
  await download("owner/tiny-blip", at(server, cache));
  assert.equal(await readdir(locks), []);
});

test("a download that was killed goes on where it was", async ({ cache }) => {
  await using server = await HubServer.start(TINY);
  server.fault = ({ path }, response) => {
    if (!path.startsWith("/cdn/")) return false;
    response.writeHead(200, { "content-length": WEIGHTS.length }).write(WEIGHTS.subarray(0, 1_000_000));
    return true;
  };
  const options = JSON.stringify({ cache, endpoint: server.endpoint });
  const hub = new URL("../../src/files/hub.js", import.meta.url).href;
  const code = `import(${JSON.stringify(hub)}).then(({ download }) => download("owner/tiny-blip", ${options}))`;
  const child = spawn(process.execPath, ["-e", code], { stdio: "ignore" });
  const partial = join(cache, "models--owner--tiny-blip/blobs", `${sha256(WEIGHTS)}.incomplete`);
  const size = async () => (await stat(partial).catch(() => undefined))?.size ?? 0;
  while ((await size()) < 1_000_000 && child.exitCode === null) await sleep(10);
  child.kill("SIGKILL");
  await once(child, "exit");

  server.fault = () => false;
  await download("owner/tiny-blip", at(server, cache));
  assert.is(server.downloads("model.safetensors").at(-1)?.range, "bytes=1000000-");
});

test("an abort ends a download that hangs", async ({ cache }) => {
  await using server = await HubServer.start(TINY);
  server.fault = ({ path }) => path.startsWith("/cdn/");
  const slow = at(server, cache, { timeoutMs: 60_000, signal: AbortSignal.timeout(100) });
  const error = await download("owner/tiny-blip", slow).catch((reason: Error) => reason);
  assert.is((error as Error).name, "TimeoutError");
});

test("an abort while the hub lists its files is given as the reason, and is no fault of the hub", async ({ cache }) => {
  await using server = await HubServer.start(TINY);
  const stop = new AbortController();
  server.fault = () => {
    stop.abort(new Error("enough"));
    return true;
  };
  const asked = download("owner/tiny-blip", at(server, cache, { timeoutMs: 60_000, signal: stop.signal }));
  assert.is(((await asked.catch((reason: Error) => reason)) as Error).message, "enough");
});

test("what a call that was killed left beside its place is taken away by the next", async ({ cache }) => {
  await using server = await HubServer.start(TINY);
  const folder = await download("owner/tiny-blip", at(server, cache));
  const whole = await layout(cache);
  const refs = join(cache, "models--owner--tiny-blip", "refs");
  const verified = join(refs, "../.verified", sha256(WEIGHTS));
  const killed = spawnSync(process.execPath, ["--version"]).pid;
  const mark = partOf(verified).replace(`${process.pid}`, `${killed}`);
  // It had not been renamed, so the next call compares anew.
  await rm(verified);
  for (const beside of [join(folder, "config.json.part"), join(refs, "main.part"), mark])
    await writeFile(beside, "half");
  await download("owner/tiny-blip", at(server, cache));
  assert.equal(await layout(cache), whole);
});

test("pipes in the places of a cache's files make nobody wait", async ({ cache }) => {
  if (process.platform === "win32") return;
  await using server = await HubServer.start(TINY);
  const folder = join(cache, "models--owner--tiny-blip");
  const pipe = async (path: string) => {
    await rm(path, { force: true });
    await mkdir(dirname(path), { recursive: true });
    execFileSync("mkfifo", [path]);
  };
  await pipe(join(folder, "blobs", `${sha256(WEIGHTS)}.incomplete`));
  await refused(
    download("owner/tiny-blip", at(server, cache)),
    "network",
    /incomplete is not a file but a pipe. Remove it/,
  );
  await rm(join(folder, "blobs", `${sha256(WEIGHTS)}.incomplete`));
  for (const name of ["refs/main", "refs/main.part", `.verified/${sha256(WEIGHTS)}`]) {
    await pipe(join(folder, name));
    assert.is(await resolveModel("owner/tiny-blip", at(server, cache)), join(folder, "snapshots", COMMIT), name);
    assert.ok((await stat(join(folder, "refs/main"))).isFile());
  }
});

test("a cache that cannot be written to: why, and what to do", async ({ cache }) => {
  await using server = await HubServer.start(TINY);
  await mkdir(join(cache, "models--owner--tiny-blip/refs/main/more"), { recursive: true });
  const call = download("owner/tiny-blip", at(server, cache));
  await refused(call, "network", /cannot be written: it is a folder.* HF_HUB_CACHE names another place/);
});

test("the disk's free space is checked before the weights", async ({ cache }) => {
  await using server = await HubServer.start(TINY);
  server.fault = ({ path }, response) => {
    if (!path.includes("/tree/")) return false;
    const sizes = { "config.json": 1, "preprocessor_config.json": 1, "vocab.txt": 1, "model.safetensors": 9e15 };
    const files = Object.entries(sizes).map(([name, size]) => ({
      type: "file",
      path: name,
      size,
      oid: "0".repeat(40),
    }));
    json(response, files);
    return true;
  };
  await refused(download("owner/tiny-blip", at(server, cache)), "network", /9000 TB to download, .* free on this disk/);
  assert.is(server.requests.filter(({ path }) => path.includes("/resolve/")).length, 0);
});

test.run();
