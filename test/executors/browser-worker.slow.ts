import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { staticServer } from "../../src/cli/static-server.js";
import { inProcess } from "../../src/executors/in-process.js";
import { JOBS, type JobName } from "../../src/jobs/jobs.js";
import { loadBlip } from "../../src/patching/load-model.js";
import { CHROMIUM, CHROMIUM_FLAGS, HAS_CHROMIUM, NO_CHROMIUM } from "../support/chromium.js";
import { INPUTS } from "../support/job-inputs.js";
import { lacking } from "../support/needed.js";
import { ROOT } from "../support/root.js";
import { NARROW } from "../support/samples.js";

// `openWorker` of the built files, in a page that has nothing else.

const test = suite("browser-worker");

let browser: Browser;
let server: Server;
let page: Page;

test.before(async () => {
  server = staticServer({
    folders: { "/": ROOT, "/empty/": join(ROOT, "test/executors/empty-page") },
    headers: {},
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS });
  page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/empty/`);
});

test.after(async () => {
  await browser?.close();
  server?.closeAllConnections();
  server?.close();
});

/** What a program finds in the page, which has `open` and `one`: the first result of some. */
function inPage<Found>(program: string): Promise<Found> {
  return page.evaluate(`(async () => {
    const { openWorker } = await import("/dist/browser/index.js");
    const open = (options) => openWorker("${NARROW}", options);
    const one = async (results) => { for await (const result of results) return result; };
    const refusal = (error) => [error.name, error.code, error.message];
    const refused = (work) => work().then(() => "it was not refused", refusal);
    ${program}
  })()`);
}

/** What is wrong is said in other words where files are addresses. */
const comparable = (value: unknown) =>
  JSON.parse(JSON.stringify(value, (key, part) => (/^(refused|unmasked)$/.test(key) ? typeof part : part)));

/** Numbers that two builds of one backend may round apart; all else is the same. */
function assertClose(found: unknown, expected: unknown, name: string): void {
  if (typeof expected === "number" && !Number.isInteger(expected))
    assert.ok(Math.abs((found as number) - expected) <= 1e-5, `${name}: ${found}, ${expected}`);
  else if (typeof expected === "object" && expected !== null) {
    assert.equal(Object.keys(found as object), Object.keys(expected), name);
    for (const [key, part] of Object.entries(expected))
      assertClose((found as Record<string, unknown>)[key], part, `${name}.${key}`);
  } else assert.equal(found, expected, name);
}

test("every job finds the same in a worker and in a process", async () => {
  using model = await loadBlip(NARROW, { backend: "wasm" });
  const here = inProcess(model);
  const names = Object.keys(JOBS) as JobName[];
  const there = await inPage<Record<JobName, unknown>>(`
    const worker = await open();
    const found = { backend: worker.backend };
    for (const [name, input] of Object.entries(${JSON.stringify(INPUTS)})) {
      const { output, error } = await one(worker.perform(name, [{ key: name, input }]));
      found[name] = error ? error.message : JSON.parse(JSON.stringify(output));
    }
    await worker.close();
    return found;`);
  assert.equal(Object.keys(there), ["backend", ...names]);
  for (const name of names)
    for await (const { output } of here.perform(name, [{ key: name, input: INPUTS[name] }]))
      assertClose(comparable(there[name]), comparable(output), name);
});

test("scores are tables; results come in order; what is wrong with one input is its result", async () => {
  const found = await inPage<unknown[]>(`
    const worker = await open();
    const pair = ${JSON.stringify(INPUTS.sweep.pair)};
    const pairs = [{ key: 0, ...pair, image: "no/such.png" }, { key: 1, ...pair }, { key: 2, ...pair, answers: ["red", "red"] }];
    const found = [];
    for await (const { key, scores, error } of worker.sweep(pairs, { site: "text.cross.z" }, { ordered: true }))
      found.push([key, error?.code ?? scores[0].at("effect", 0, 0, 0)]);
    found.push(await refused(() => one(worker.perform("sweep", [{ key: 0, input: { pair, sweeps: [() => 0] } }]))
      .then(({ error }) => Promise.reject(error))));
    await worker.close();
    found.push(await refused(() => one(worker.ask([pair]))));
    return found;`);
  const effect = (found[1] as unknown[])[1];
  assert.type(effect, "number");
  assert.equal(found.slice(0, 3), [
    [0, "image"],
    [1, effect],
    [2, "tokens"],
  ]);
  const [sent, closed] = found.slice(3) as string[][];
  assert.equal(sent!.slice(0, 2), ["NoticeError", "options"]);
  assert.match(sent![2]!, "plain data");
  assert.is(closed![1], "disposed");
});

test("a signal ends a job in the middle, and the worker goes on with the next", async () => {
  const found = await inPage<{ ended: string; after: number; whole: number; answer: string }>(`
    const worker = await openWorker("/weights/scenes");
    const pair = { image: "/examples/star-red.png", corruptImage: "/examples/star-blue.png",
      question: "is this star red or blue?", answers: ["red", "blue"] };
    const asked = ["text.cross.z", "text.self.z", "text.cross.q", "text.self.k", "text.mlp.post", "vision.self.z"];
    // Seconds of work, so that a timer that comes late still ends it in the middle.
    const sweeps = [...asked, ...asked, ...asked, ...asked].map((site) => ({ site }));
    const stop = new AbortController();
    const begun = performance.now();
    const time = () => performance.now() - begun;
    setTimeout(() => stop.abort("enough"), 300);
    const ended = await one(worker.sweep([{ key: 0, ...pair }], sweeps, { signal: stop.signal })).catch((reason) => reason);
    const { answer: { answer } } = await one(worker.ask([{ key: 1, ...pair }]));
    const after = time() - 300;
    await one(worker.sweep([{ key: 0, ...pair }], sweeps));
    const whole = time() - 300 - after;
    await worker.close();
    return { ended, after, whole, answer };`);
  assert.equal([found.ended, found.answer], ["enough", "red"]);
  assert.ok(found.after < found.whole / 2, JSON.stringify(found));
});

test("a worker that is lost, or does not start, says what to do", async () => {
  const inputs = JSON.stringify([{ key: 0, input: INPUTS.headEffects }]);
  const job = `refused(() => one(held.perform("headEffects", ${inputs})))`;
  // An error that nobody expected: its backend may be in any state.
  await inPage("globalThis.held = await open()");
  await page.workers()[0]!.evaluate(`Map.prototype.get = () => { throw new RangeError("the heap is spent"); }`);
  const broken = await inPage<string[]>(`return ${job}`);
  // It ends in the middle of a job.
  await inPage("globalThis.held = await open()");
  const running = inPage<string[][]>(`return [await ${job}, await ${job}]`);
  await page.workers()[0]!.evaluate(`setTimeout(() => { throw new Error("it fell over"); })`);
  const [ended, afterwards] = await running;
  // Its script is not there.
  await page.route("**/worker.js", (route) => route.abort());
  const missing = await inPage<string[]>("return refused(() => open())");
  await page.unroute("**/worker.js");
  for (const [found, why] of [
    [broken, "the heap is spent"],
    [ended, "it fell over"],
    [afterwards, "it fell over"],
    [missing, "its script cannot be loaded"],
  ] as const) {
    assert.equal(found!.slice(0, 2), ["NoticeError", "worker"], String(found));
    assert.match(found![2]!, why);
    assert.match(found![2]!, "Open it again");
  }
  assert.is(page.workers().length, 0);
});

test("a model that is not there, and options that there are not, are refused", async () => {
  const found = await inPage<string[][]>(`return [
    await refused(() => openWorker("no/such")), await refused(() => open({ backnd: "wasm" })),
    await refused(() => open({ signal: AbortSignal.abort(new DOMException("enough", "AbortError")) })),
  ]`);
  assert.equal(
    found.map(([kind, code]) => [kind, code]),
    [
      ["NoticeError", "checkpoint"],
      ["NoticeError", "options"],
      ["AbortError", 20],
    ],
  );
  assert.match(found[1]![2]!, "backend");
});

if (HAS_CHROMIUM) test.run();
else lacking("browser", NO_CHROMIUM);
