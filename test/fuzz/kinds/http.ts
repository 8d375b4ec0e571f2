import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Random, random } from "../../../src/base/random.js";
import { fetchImages } from "../../../src/files/fetch-images.js";
import { download } from "../../../src/files/hub.js";
import { encodePng } from "../../../src/pictures/picture.js";
import { HubServer, json, type Request, sendData } from "../../files/hub-server.js";
import { type Answer, ImageServer, send } from "../../files/image-server.js";
import { temporaryFolder } from "../../support/checkpoint.js";
import { Found } from "../judge.js";
import type { Kind, Outcome } from "../kind.js";
import { HOSTILE, mutateBytes, mutatedJson, mutateJson, NUMBERS, whole } from "../mutate.js";

const FILES = {
  "config.json": '{"model_type": "blip"}',
  "preprocessor_config.json": '{"size": 384}',
  "vocab.txt": "[PAD]\n[UNK]\n",
  "model.safetensors": Buffer.alloc(5000, "weights"),
};
const LIMITS = { timeoutMs: 100, retry: { attempts: 3, delayMs: 1 } };
const STATUSES = [200, 204, 206, 301, 302, 307, 400, 401, 403, 404, 408, 416, 429, 500, 503];
const PNG = encodePng({ width: 8, height: 8, data: Uint8Array.from({ length: 192 }, (_, i) => i) });
const PICTURES = ["a", "b", "c"];

/** Answers of a hub and of servers of pictures: lists, redirects, ranges, headers, statuses, bodies. */
export const http: Kind = {
  name: "http",
  share: 18,
  open: async () => {
    const parent = temporaryFolder();
    const hub = await HubServer.start(FILES);
    const pictures = await ImageServer.start({});
    return {
      run: async (choose) => {
        const folder = mkdtempSync(join(parent, "case-"));
        try {
          return await (choose.chance(0.7) ? fromHub(choose, hub, folder) : fromServer(choose, pictures, folder));
        } finally {
          rmSync(folder, { recursive: true });
        }
      },
      close: async () => {
        await hub[Symbol.asyncDispose]();
        await pictures[Symbol.asyncDispose]();
      },
    };
  },
};

async function fromHub(choose: Random, hub: HubServer, cache: string): Promise<Outcome> {
  if (choose.chance(0.3)) leaveBefore(choose, hub, cache);
  // Each path has faults of its own, which do not depend on the order of requests.
  const key = choose.next();
  const share = choose.pick([0.1, 0.4, 1]);
  hub.fault = (request, response) => {
    const own = random(key, request.path, hub.requests.filter(({ path }) => path === request.path).length);
    return own.chance(share) && answerBadly(own, hub, request, response);
  };
  hub.requests.length = 0;
  const folder = await download(hub.id, { cache, endpoint: hub.endpoint, ...LIMITS });
  for (const [name, content] of hub.files)
    if (!readFileSync(join(folder, name)).equals(content)) throw new Found("wrong", `${name} is not what the hub has`);
  return "taken";
}

/** What an earlier call, or a crash, may have left in the cache. */
function leaveBefore(choose: Random, hub: HubServer, cache: string): void {
  const blobs = join(cache, "models--owner--tiny-blip", "blobs");
  const [, data] = choose.pick([...hub.files]);
  const names = [...hub.files.keys()].map((name) => hub.digest(name));
  mkdirSync(blobs, { recursive: true });
  const name = `${choose.pick(names)}${choose.pick(["", ".incomplete", ".incomplete"])}`;
  writeFileSync(
    join(blobs, name),
    choose.chance(0.5) ? data.subarray(0, whole(choose, 0, data.length)) : mutateBytes(choose, data),
  );
}

function answerBadly(choose: Random, hub: HubServer, request: Request, response: ServerResponse): boolean {
  const { path } = request;
  if (path.includes("/api/") && choose.chance(0.6)) {
    if (!path.includes("/tree/")) response.writeHead(200).end(mutatedJson(choose, { id: hub.id, sha: "0".repeat(40) }));
    else json(response, mutateJson(choose, hub.tree()));
    return true;
  }
  const data = [...hub.files].find(([name]) => path.endsWith(`/${name}`) || path.endsWith(hub.digest(name)))?.[1];
  return answerAnyhow(choose, response, Buffer.from(data ?? "{}"), request);
}

/** Of the right content something wrong: its status, its headers, its length, its bytes, its end. */
function answerAnyhow(choose: Random, response: ServerResponse, data: Buffer, request: Request): boolean {
  const number = () => `${choose.pick([...NUMBERS, data.length - 1, data.length + 1])}`;
  const header = choose.pick([
    { "content-range": `bytes ${number()}-${number()}/${number()}` },
    { location: choose.pick(["/", request.path, "file:///etc/passwd", "http://[", "//", "http://127.0.0.1:1/", ""]) },
    { "retry-after": choose.pick(["0", "-1", "0.01", "x", "Thu, 01 Jan 1970 00:00:00 GMT"]) },
    { "content-encoding": choose.pick(["gzip", "br", "x"]) },
    {
      "x-error-code": choose
        .pick(HOSTILE)
        .replace(/[^\x20-\x7e]/g, "?")
        .slice(0, 500),
    },
    { "content-type": "text/html" },
  ]);
  choose.pick([
    () => response.writeHead(choose.pick(STATUSES), header).end(choose.chance(0.5) ? data : undefined),
    () =>
      response
        .writeHead(200, { "content-length": data.length })
        .write(data.subarray(0, data.length >> 1), () => response.destroy()),
    () => response.writeHead(200).end(mutateBytes(choose, data)),
    () => response.writeHead(200).end(Buffer.concat([data, data])),
    () => response.writeHead(200, header).end(data),
    () => response.writeHead(206, header).end(data),
    () => response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(data)),
    () => sendData(response, data, { ...request, range: undefined }),
    () => response.destroy(),
    () => {}, // silence
  ])();
  return true;
}

async function fromServer(choose: Random, server: ImageServer, folder: string): Promise<Outcome> {
  const sound = send(PNG);
  for (const id of PICTURES) {
    const own = random(choose.next());
    const bad: Answer = (response) =>
      void answerAnyhow(own, response, Buffer.from(PNG), { method: "GET", path: `/${id}` });
    server.answers[`/${id}`] = own.chance(0.7) ? bad : sound;
  }
  const images = PICTURES.map((id) => ({
    id,
    url: choose.chance(0.9) ? `${server.origin}/${id}` : choose.pick(HOSTILE),
  }));
  const summary = await fetchImages(images, folder, { ...LIMITS, maxBytes: 100_000, concurrency: choose.pick([1, 3]) });
  const missing = Object.values(summary.missing).reduce((sum, count) => sum + count, 0);
  if (summary.present + missing !== summary.images) throw new Found("wrong", JSON.stringify(summary));
  return "taken";
}
