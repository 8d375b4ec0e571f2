import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { encodeJpeg } from "../../src/data/scenes/jpeg.js";
import { type FetchImagesOptions, type FetchSummary, fetchImages } from "../../src/files/fetch-images.js";
import type { Manifest } from "../../src/files/fetch-manifest.js";
import type { RemoteImage } from "../../src/files/image-fetcher.js";
import { encodePng, type Picture } from "../../src/pictures/picture.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { pausesOf } from "../support/pauses.js";
import { refused } from "../support/refused.js";
import { type Answer, ImageServer, redirect, send } from "./image-server.js";

const picture: Picture = { width: 64, height: 64, data: Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => i) };
const PNG = encodePng(picture);
/** Different pictures. */
const pngOf = (n: number) => encodePng({ ...picture, data: picture.data.map((value) => (value + n + 1) % 256) });
const CMYK = readFileSync("test/fixtures/pictures/refused/cmyk-small-black.jpg");
const JPEG = Buffer.from(await encodeJpeg(picture));

/** No busy machine is silent for so long: a retry would be a request more. */
const QUICK: FetchImagesOptions = { timeoutMs: 60_000, retry: { attempts: 3, delayMs: 1 }, maxBytes: 100_000 };
const manifestIn = (folder: string) => JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as Manifest;
const namesIn = (folder: string) => readdirSync(join(folder, "images")).sort();
/** The failure of each missing picture: its reason, and whether it may pass. */
const failuresIn = (folder: string) =>
  Object.fromEntries(
    manifestIn(folder).failures.map(({ id, reason, transient }) => [id, `${reason}${transient ? ", for now" : ""}`]),
  );

/** Something once, then a picture of its own. */
const thenPicture =
  (first: (response: ServerResponse) => unknown, n: number): Answer =>
  (response, nth, request) =>
    nth === 1 ? void first(response) : send(pngOf(n))(response, nth, request);

const endless =
  (pieceBytes: number, everyMs: number): Answer =>
  (response) => {
    response.writeHead(200);
    const piece = Buffer.alloc(pieceBytes, 0xff);
    const timer = setInterval(() => response.write(piece), everyMs);
    response.on("close", () => clearInterval(timer));
  };

const silent: Answer = () => {};

const SERVED: Record<string, Answer> = {
  "/png": send(PNG, { "content-type": "text/plain" }), // what a server says of it is not believed
  "/jpeg.gif": send(JPEG),
  "/moved": redirect("/moved-on", 302),
  "/moved-on": redirect("png"),
  "/busy": thenPicture((response) => response.writeHead(429, { "retry-after": "0.1" }).end(), 0),
  "/ill": thenPicture((response) => response.writeHead(500).end(), 1),
  "/once-cut": thenPicture(
    (response) =>
      response.writeHead(200, { "content-length": PNG.length }).write(PNG.subarray(0, 20), () => response.destroy()),
    2,
  ),
};
const FAILING: Record<string, [Answer, reason: string]> = {
  gone: [(response) => response.writeHead(410).end(), "HTTP 410"],
  forbidden: [(response) => response.writeHead(403).end(), "HTTP 403"],
  nothing: [(response) => response.writeHead(204).end(), "HTTP 204"],
  page: [send("<!doctype html><title>Parked</title>", { "content-type": "image/jpeg" }), "web page"],
  bare: [send("\ufeff\n<!-- x -->\n<HTML lang=en><body>gone"), "web page"],
  text: [send("not found"), "no picture"],
  empty: [send(""), "no picture"],
  tiff: [send("II*\0"), "no picture"],
  gif: [send("GIF89a"), "damaged picture"],
  inks: [send(CMYK), "CMYK picture"],
  half: [send(PNG.subarray(0, PNG.length / 2)), "damaged picture"],
  bomb: [send(bombOf(PNG)), "damaged picture"],
  large: [send(PNG, { "content-length": 10 ** 12 }), "too large"],
  endless: [endless(64_000, 1), "too large"],
  cut: [(response) => void response.writeHead(200, { "content-length": 999 }).write("a", () => response.destroy()), "no answer, for now"], // biome-ignore format: a row
  hangup: [(response) => response.destroy(), "no answer, for now"],
  down: [(response) => response.writeHead(503).end(), "HTTP 503, for now"],
  loop: [redirect("/loop"), "redirects without end"],
  file: [redirect("file:///etc/passwd"), "unusable address"],
  nowhere: [redirect("http://[", 307), "unusable address"],
};

/** These fail by the clock. */
const LATE: typeof FAILING = {
  dripping: [endless(1, 20), "too slow, for now"],
  mute: [silent, "no answer, for now"],
  stuck: [(response) => void response.writeHead(200).write(PNG.subarray(0, 20)), "no answer, for now"],
};

const answersOf = (failing: typeof FAILING) =>
  Object.fromEntries(Object.entries(failing).map(([name, [answer]]) => [`/${name}`, answer]));
const reasonsOf = (failing: typeof FAILING) =>
  Object.fromEntries(Object.entries(failing).map(([name, [, reason]]) => [name, reason]));

/** A PNG of 130,000 empty IDAT chunks more. */
function chunksOf(png: Uint8Array): Uint8Array {
  const empty = Buffer.from("\0\0\0\0IDAT\x35\xaf\x06\x1e", "latin1");
  return Buffer.concat([png.subarray(0, 33), ...Array<Buffer>(130_000).fill(empty), png.subarray(33)]);
}

/** A PNG whose header claims more pixels than are decoded. */
function bombOf(png: Uint8Array): Uint8Array {
  const bytes = Buffer.from(png);
  bytes.writeUInt32BE(60_000, 16);
  bytes.writeUInt32BE(60_000, 20);
  return bytes;
}

test("a folder that goes away ends it: that is no picture's fault", async () => {
  await using server = await ImageServer.start(SERVED);
  const folder = temporaryFolder();
  const onProgress = () => rmSync(join(folder, "images"), { recursive: true, force: true });
  const images = [{ id: "0", url: `${server.origin}/png` }];
  let error: unknown;
  await fetchImages(images, folder, { ...QUICK, onProgress }).catch((reason: unknown) => {
    error = reason;
  });
  assert.instance(error, Error);
  assert.equal(manifestIn(folder).missing, { "not tried yet": 1 });
});

test("whole pictures arrive, named by what they are, whatever happens on the way", async () => {
  await using server = await ImageServer.start(SERVED);
  const folder = temporaryFolder();
  const paths = ["png", "jpeg.gif", "moved", "busy", "ill", "once-cut"];
  const images = paths.map((path, i) => ({ id: `${i}`, url: `${server.origin}/${path}` }));
  const seen: number[] = [];
  let summary: FetchSummary | undefined;
  const pauses = await pausesOf(async () => {
    summary = await fetchImages(images, folder, { ...QUICK, onProgress: (done) => seen.push(done) });
  });
  assert.is(pauses.filter((ms) => ms >= 100).length, 1, `Retry-After was not waited for: ${pauses}`);
  assert.equal(summary, { images: 6, present: 6, missing: {} });
  assert.equal(namesIn(folder), ["0.png", "1.jpg", "2.png", "3.png", "4.png", "5.png"]);
  assert.ok(JPEG.every((byte, i) => byte === readFileSync(join(folder, "images/1.jpg"))[i]));
  for (const [name, png] of Object.entries({ "0.png": PNG, "2.png": PNG, "3.png": pngOf(0), "5.png": pngOf(2) }))
    assert.ok(Buffer.from(png).equals(readFileSync(join(folder, "images", name))), name);
  assert.equal(seen, [0, 1, 2, 3, 4, 5, 6]);
  assert.equal(
    ["/busy", "/ill", "/once-cut", "/png"].map((path) => server.count(path)),
    [2, 2, 2, 2],
  );

  const requests = server.requests.length;
  assert.equal(await fetchImages(images, folder, QUICK), summary);
  assert.is(server.requests.length, requests, "what is there was fetched again");
});

test("a PNG of very many chunks is one missing picture, and the others arrive", async () => {
  await using server = await ImageServer.start({ "/chunks": send(chunksOf(PNG)), "/png": send(PNG) });
  const folder = temporaryFolder();
  const images = ["chunks", "png"].map((id) => ({ id, url: `${server.origin}/${id}` }));
  assert.equal(await fetchImages(images, folder), { images: 2, present: 1, missing: { "damaged picture": 1 } });
  assert.match(manifestIn(folder).failures[0]!.detail, /more than 65536 chunks/);
});

test("what does not arrive is counted by its reason, and leaves nothing behind", async () => {
  await using server = await ImageServer.start(answersOf(FAILING));
  const folder = temporaryFolder();
  const remote = Object.keys(FAILING).map((id) => ({ id, url: `${server.origin}/${id}` }));
  const unusual: [RemoteImage, string][] = [
    [{ id: "lost", url: `${server.origin}/lost` }, "HTTP 404"],
    [{ id: "relative", url: "images/relative.jpg" }, "not here, for now"],
    [{ id: "local", url: "file:///etc/hostname" }, "unusable address"],
    [{ id: "data", url: "data:image/png;base64,AAAA" }, "unusable address"],
    [{ id: "user", url: server.origin.replace("//", "//me:secret@") }, "unusable address"],
    [{ id: "blank", url: "http://" }, "unusable address"],
    [{ id: "novel", url: `${server.origin}/${"a".repeat(10_000)}` }, "unusable address"],
    [{ id: "refused", url: "http://127.0.0.1:1/a.jpg" }, "no answer, for now"],
    [{ id: "../out", url: `${server.origin}/lost` }, "unusable id"],
    [{ id: "a/b", url: `${server.origin}/lost` }, "unusable id"],
    [{ id: "", url: `${server.origin}/lost` }, "unusable id"],
  ];
  const images = [...remote, ...unusual.map(([image]) => image)];
  const { present, missing } = await fetchImages(images, folder, { ...QUICK, concurrency: 40 });
  assert.is(present, 0);
  assert.equal(namesIn(folder), []);
  assert.equal(readdirSync(folder).sort(), ["images", "manifest.json"]);
  assert.equal(failuresIn(folder), {
    ...reasonsOf(FAILING),
    ...Object.fromEntries(unusual.map(([{ id }, reason]) => [id, reason])),
  });
  assert.is(missing["HTTP 410"], 1);
  assert.is(missing["unusable address"], 7);
  assert.is(
    Object.values(missing).reduce((sum, count) => sum + count),
    images.length,
  );
  assert.equal(
    ["/down", "/hangup", "/cut", "/gone", "/page"].map((path) => server.count(path)),
    [3, 3, 3, 1, 1],
  );
  assert.is(server.count("/loop"), 11);
});

test("what is silent or too slow is given up", async () => {
  await using server = await ImageServer.start(answersOf(LATE));
  const folder = temporaryFolder();
  const images = Object.keys(LATE).map((id) => ({ id, url: `${server.origin}/${id}` }));
  await fetchImages(images, folder, { ...QUICK, timeoutMs: 300 });
  assert.equal(namesIn(folder), []);
  assert.equal(failuresIn(folder), reasonsOf(LATE));
  assert.is(server.count("/mute"), 3);
});

test("another run tries what may pass, all of it with retryFailed, and a new address", async () => {
  const answers: Record<string, Answer> = { "/down": (response) => response.writeHead(503).end() };
  await using server = await ImageServer.start(answers);
  const folder = temporaryFolder();
  const images = ["down", "lost", "moved"].map((id) => ({ id, url: `${server.origin}/${id}` }));
  await fetchImages(images, folder, { ...QUICK, retry: { attempts: 1, delayMs: 1 } });
  assert.equal(manifestIn(folder).missing, { "HTTP 503": 1, "HTTP 404": 2 });

  for (const [i, path] of ["/down", "/lost", "/elsewhere"].entries()) answers[path] = send(pngOf(i));
  const moved = images.with(2, { id: "moved", url: `${server.origin}/elsewhere` });
  assert.equal(await fetchImages(moved, folder, QUICK), { images: 3, present: 2, missing: { "HTTP 404": 1 } });
  assert.is(server.count("/lost"), 1);
  assert.is((await fetchImages(moved, folder, { ...QUICK, retryFailed: true })).present, 3);
  assert.equal(manifestIn(folder), { images: 3, present: 3, missing: {}, failures: [] });
});

test("one picture from many addresses is a placeholder: set aside, named, and known again", async () => {
  const answers: Record<string, Answer> = {};
  for (const id of ["1", "2", "3", "4"]) answers[`/${id}`] = send(PNG);
  for (const id of ["5", "6"]) answers[`/${id}`] = send(JPEG); // two may be one photograph
  answers["/7"] = send(pngOf(0));
  await using server = await ImageServer.start(answers);
  const folder = temporaryFolder();
  const urlOf = (id: string) => `${server.origin}/${id}`;
  const images = ["1", "2", "3", "4", "5", "6", "7"].map((id) => ({ id, url: urlOf(id) }));
  const summary = { images: 7, present: 3, missing: { placeholder: 4 } };
  assert.equal(await fetchImages(images, folder, QUICK), summary);
  assert.equal(namesIn(folder), ["5.jpg", "6.jpg", "7.png"]);
  assert.equal(readdirSync(join(folder, "placeholders")).sort(), ["1.png", "2.png", "3.png", "4.png"]);
  const [failure] = manifestIn(folder).failures;
  assert.match(failure!.detail, /^one picture for 4 ids, such as [1-4], [1-4], [1-4]; it is in placeholders\/$/);

  const requests = server.requests.length;
  assert.equal(await fetchImages(images, folder, QUICK), summary);
  assert.is(server.requests.length, requests);
  answers["/8"] = send(PNG); // once, and known
  answers["/1"] = send(pngOf(1)); // back again
  const more = [...images, { id: "8", url: urlOf("8") }];
  const retried = await fetchImages(more, folder, { ...QUICK, retryFailed: true });
  assert.equal(retried, { images: 8, present: 4, missing: { placeholder: 4 } });
  assert.equal(namesIn(folder), ["1.png", "5.jpg", "6.jpg", "7.png"]);
});

test("ids that share an address, or have none, share a picture rightly", async () => {
  await using server = await ImageServer.start({ "/1": send(PNG) });
  const folder = temporaryFolder();
  mkdirSync(join(folder, "images"));
  for (const id of ["4", "5", "6"]) writeFileSync(join(folder, "images", `${id}.jpg`), JPEG);
  const images = ["1", "2", "3"].map((id) => ({ id, url: `${server.origin}/1` }));
  const own = ["4", "5", "6"].map((id) => ({ id, url: `images/${id}.jpg` }));
  assert.equal(await fetchImages([...images, ...own], folder, QUICK), { images: 6, present: 6, missing: {} });
});

test("no more at a time than asked for", async () => {
  const slow =
    (n: number): Answer =>
    (response, nth, request) =>
      void setTimeout(() => send(pngOf(n))(response, nth, request), 10);
  await using server = await ImageServer.start(
    Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`/${i}`, slow(i)])),
  );
  const images = Array.from({ length: 20 }, (_, i) => ({ id: `${i}`, url: `${server.origin}/${i}` }));
  const { present } = await fetchImages(images, temporaryFolder(), { ...QUICK, concurrency: 3 });
  assert.is(present, 20);
  assert.is(server.most, 3);
});

async function stopped(run: () => Promise<unknown>): Promise<void> {
  const error = await run().then(
    () => undefined,
    (reason: Error) => reason,
  );
  assert.is(error?.message, "enough");
}

test("a signal ends it at once; what is there stays, the rest comes with the next run", async () => {
  const stop = new AbortController();
  const answers: Record<string, Answer> = {
    "/0": send(PNG),
    "/1": () => stop.abort(new Error("enough")),
    "/2": silent,
  };
  await using server = await ImageServer.start(answers);
  const folder = temporaryFolder();
  const images = Array.from({ length: 6 }, (_, i) => ({ id: `${i}`, url: `${server.origin}/${i}` }));
  // Were what is in work waited for, it would be missing for want of an answer.
  const options = { timeoutMs: 300, retry: { attempts: 1, delayMs: 1 }, concurrency: 1, signal: stop.signal };
  await stopped(() => fetchImages(images, folder, options));
  assert.equal(server.requests, ["/0", "/1"]);
  assert.equal(namesIn(folder), ["0.png"]);
  assert.equal(manifestIn(folder), { images: 6, present: 1, missing: { "not tried yet": 5 }, failures: [] });
  await stopped(() => fetchImages(images, folder, options));

  for (let i = 1; i < 6; i++) answers[`/${i}`] = send(pngOf(i));
  assert.is((await fetchImages(images, folder, QUICK)).present, 6);
  assert.is(server.count("/0"), 1);
});

test("a folder that cannot be written to, or has another manifest, is refused", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "file"), "");
  await refused(() => fetchImages([], join(folder, "file"), QUICK), "options", "cannot be made");
  writeFileSync(join(folder, "manifest.json"), '{"failures":[{"id":7}]}');
  await refused(() => fetchImages([], folder, QUICK), "options", "manifest.json", "Move it away");
  writeFileSync(join(folder, "manifest.json"), "{");
  await refused(() => fetchImages([], folder, QUICK), "options", "manifest.json", "Move it away");
});

test("a manifest of a million things that are no failures is refused at the first", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "manifest.json"), `{"failures":[${"{},".repeat(1_000_000)}{}]}`);
  const message = await refused(() => fetchImages([], folder, QUICK), "options", "manifest.json", "Move it away");
  assert.ok(message.length < 1000);
  writeFileSync(join(folder, "manifest.json"), `{"failures":[${"0,".repeat(9_000_000)}0]}`);
  await refused(() => fetchImages([], folder, QUICK), "options", "more than 8000000 values", "Move it away");
});

test("pictures that are there count under any of their endings", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "images"));
  for (const name of ["1.jpg", "2.jpeg", "3.PNG", "4.jpg.123.part"]) writeFileSync(join(folder, "images", name), "");
  const images = ["1", "2", "3", "4"].map((id) => ({ id, url: `images/${id}.jpg` }));
  assert.equal(await fetchImages(images, folder, QUICK), { images: 4, present: 3, missing: { "not here": 1 } });
});

test.run();
