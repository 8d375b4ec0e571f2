import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { keptExample } from "../../playground/example.js";
import { scenePair } from "../../playground/scenes.js";
import { START } from "../../playground/state.js";
import { random } from "../../src/base/random.js";
import { encodePng } from "../../src/pictures/picture.js";
import { CHROMIUM_FLAGS, HAS_CHROMIUM, NO_CHROMIUM } from "../support/chromium.js";
import { lacking } from "../support/needed.js";
import {
  beforeWorker,
  LONG,
  launch,
  press,
  ready,
  Site,
  said,
  saved,
  until,
  WITHOUT_SERVICE_WORKER,
} from "../support/playground-page.js";
import { ROOT } from "../support/root.js";

// The folder that `npm run playground` makes, behind a server of plain files, as a person uses it.

const test = suite("playground");

let site: Site;

test.before(async () => {
  site = await Site.open();
});

test.after(() => site?.close());

test("the example stands there before the model, and is what the model then says", async () => {
  const { page, context, complaints } = await site.visit("", {
    before: "delete globalThis.Worker; globalThis.Worker = class { postMessage() {} };",
  });
  const { found, effects } = await keptExample();
  await page.getByText("Loading the model").waitFor(LONG);
  const cell = page.getByRole("gridcell", { name: "layer 0, head 0:" });
  const effect = effects[0]![0]![found.token!]!;
  assert.match((await cell.getAttribute("aria-label"))!, effect.toPrecision(3));
  assert.match(await page.getByText(/Clean: the model says/).innerText(), `“${found.says.clean}”`);
  // The tour names a head at the token that the map shows.
  await page.getByText("What is this? Five steps").click();
  await page.getByText(`at “${found.tokens[found.token!]}”, the token of the map below`).waitFor(LONG);
  assert.equal(complaints, []);
  await context.close();
});

test("ask, sweep, look, switch off, undo, a circuit: by keyboard and mouse", async () => {
  const { page, context, complaints } = await site.visit();
  await ready(page);
  // Another kind of scene: its pictures, its question, the live answer.
  await page.getByLabel("Kind of scene").selectOption("faces");
  const { question, answers } = scenePair("faces", START.scene);
  assert.is(await page.getByLabel("Question").inputValue(), question);
  await page.getByText(`Clean: the model says “${answers[0]}”`).waitFor(LONG);
  await press(page, "Sweep all heads");
  await said(page, "The sweep is done.");
  assert.is(await page.getByRole("gridcell", { name: /no score/ }).count(), 0);
  // A head by keyboard: three to the right, one down.
  await page.getByRole("gridcell").first().focus();
  for (const key of ["ArrowRight", "ArrowRight", "ArrowRight", "ArrowDown", "Enter"]) await page.keyboard.press(key);
  await page.getByText("L1H3, from").waitFor(LONG);
  const cell = page.getByRole("gridcell", { name: "layer 1, head 3:" });
  assert.is(await cell.getAttribute("aria-selected"), "true");
  const shown = Number((await cell.getAttribute("aria-label"))!.split("exactly ")[1]!.replace("−", "-"));
  const effect = await page.locator(".effect strong").innerText();
  assert.ok(Math.abs(Number(effect.replace("Effect ", "").replace("−", "-")) - shown) < 0.006, `${effect} ${shown}`);
  // Its value stands below the map while it has the focus.
  assert.ok(await cell.locator(".tip").isVisible());
  // From another token.
  await page.getByRole("list", { name: /Token/ }).getByRole("button").nth(1).click();
  await page.getByText("L1H3, from “is”").waitFor(LONG);
  // Off, another, undo twice.
  await press(page, "Switch L1H3 off");
  await page.getByText("Off: L1H3.").waitFor(LONG);
  await page.getByRole("gridcell", { name: "layer 0, head 0:" }).click();
  await press(page, "Switch L0H0 off");
  await page.getByText("Off: L1H3, L0H0.").waitFor(LONG);
  await page.getByLabel("What is done").selectOption("mean");
  await page.getByText(/of the answer is left/).waitFor(LONG);
  await press(page, "Undo");
  await page.getByText("Off: L1H3.").waitFor(LONG);
  await press(page, "Undo");
  await page.getByText("Off: none").waitFor(LONG);
  // A strong head is switched by its own switch, without the map.
  await press(page, "L0H0 is on");
  await page.getByText("Off: L0H0.").waitFor(LONG);
  await press(page, "L0H0 is off");
  await page.getByText("Off: none").waitFor(LONG);
  // Several are patched at once, into the corrupted run.
  await page.getByLabel("What is done").selectOption("clean");
  await press(page, "L0H0 is as it was");
  await page.getByText("Patched: L0H0.").waitFor(LONG);
  await page.getByText(/Answers of the corrupted run with these heads patched/).waitFor(LONG);
  await page.getByRole("gridcell", { name: "layer 1, head 3:" }).click();
  await press(page, "Patch L1H3");
  await page.getByText(/^Patched: L0H0, L1H3\. .* of the answer comes back/).waitFor(LONG);
  await press(page, "All as they were");
  await page.getByText("Patched: none").waitFor(LONG);
  await press(page, "Find a small circuit");
  await page.getByText("keeps of this answer alone").waitFor(LONG);
  assert.match(await page.locator(".card").last().innerText(), /other pairs[\s\S]*%/);
  assert.equal(complaints, []);
  await context.close();
});

test("a sweep can be cancelled", async () => {
  const { page, context } = await site.visit("#task=actions&scene=3");
  await ready(page);
  await page.getByText("Clean: the model says").waitFor(LONG);
  await page.evaluate(`{
    const button = (name) => [...document.querySelectorAll("button")].find(({ textContent }) => textContent === name);
    button("Sweep all heads").click();
    setTimeout(() => button("Cancel").click(), 0);
  }`);
  await said(page, "Cancelled.");
  assert.ok((await page.getByRole("gridcell", { name: /no score/ }).count()) > 0);
  assert.ok(await page.getByRole("button", { name: "Sweep all heads" }).isEnabled());
  await context.close();
});

test("a picture and a question of one's own; what is none says what to do", async () => {
  const { page, context, complaints } = await site.visit();
  await ready(page);
  const choose = (name: string, mimeType: string, buffer: Buffer) =>
    page.getByLabel("Take your own clean picture").setInputFiles({ name, mimeType, buffer });
  await choose("notes.png", "image/png", Buffer.from("these are notes"));
  await said(page, /no picture that this browser reads.*PNG/);
  await choose("huge.png", "image/png", Buffer.alloc(26e6));
  await said(page, /26\.0 MB.*at most 25\.0 MB.*smaller/);
  // 20 MB of a picture: a star, and what comes after a PNG's end is nobody's.
  const star = Buffer.from(encodePng(scenePair("attributes", 41).image));
  await choose("star.png", "image/png", Buffer.concat([star, Buffer.alloc(20e6)]));
  await page.getByText(/clean.*your own/).waitFor(LONG);
  await page.getByText("Now give the corrupted picture too").waitFor(LONG);
  await page.getByLabel("Question").fill("is this star black or blue?");
  await page.getByLabel("Right answer").fill("blue");
  await page.getByLabel("The other").fill("black");
  await press(page, "Ask");
  await page.getByText("Clean: the model says “blue”").waitFor(LONG);
  // The effects shown are those at the word of the new answer, wherever that stands.
  await page.getByText("Effect of each head at “blue”").waitFor(LONG);
  await page.getByLabel("Right answer").fill("blu\u0131sh");
  await press(page, "Ask");
  await said(page, /blu/);
  await page.getByLabel("Right answer").fill("blue");
  await press(page, "Ask");
  // Dropped on the other picture.
  const bytes = [...encodePng(scenePair("attributes", 41).corruptImage)];
  await page.evaluate(`{
    const files = new DataTransfer();
    files.items.add(new File([new Uint8Array(${JSON.stringify(bytes)})], "black.png", { type: "image/png" }));
    document.querySelectorAll(".pair-picture")[1].dispatchEvent(new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true }));
  }`);
  await page.getByText(/corrupted.*your own/).waitFor(LONG);
  assert.is(await page.getByText("Now give the corrupted picture too").count(), 0);
  // Twice the same picture: there is nothing to be brought back.
  await page.getByLabel("Take your own corrupted picture").setInputFiles({
    ...{ name: "star.png", mimeType: "image/png", buffer: star },
  });
  await page.getByText("says “blue” to both pictures").waitFor(LONG);
  assert.equal(complaints, []);
  await context.close();
});

test("a picture is pasted", async () => {
  const { page, context, complaints } = await site.visit();
  await ready(page);
  const bytes = [...encodePng(scenePair("attributes", 41).image)];
  await page.evaluate(`{
    const files = new DataTransfer();
    files.items.add(new File([new Uint8Array(${JSON.stringify(bytes)})], "star.png", { type: "image/png" }));
    dispatchEvent(new ClipboardEvent("paste", { clipboardData: files }));
  }`);
  await page.getByText(/clean.*your own/).waitFor(LONG);
  assert.equal(complaints, []);
  await context.close();
});

test("a download that breaks is taken up where it broke", async () => {
  const ranges: (string | undefined)[] = [];
  const weights = readFileSync(join(site.folder, "model/model.safetensors"));
  // Its first answer ends in the middle.
  const breaking = createServer((asked, answer) => {
    const isWeights = asked.url === "/model/model.safetensors" && asked.method === "GET";
    if (isWeights) ranges.push(asked.headers.range);
    if (isWeights && ranges.length === 1) {
      answer.writeHead(200, { "content-length": weights.length });
      answer.write(weights.subarray(0, weights.length >> 1), () => setTimeout(() => answer.destroy(), 300));
      return;
    }
    const { method, headers } = asked;
    const { host: _, ...kept } = headers;
    request(new URL(asked.url!, site.address), { method, headers: kept }, (found) => {
      answer.writeHead(found.statusCode!, found.headers);
      found.pipe(answer);
    }).end();
  });
  breaking.listen(0, "127.0.0.1");
  await once(breaking, "listening");
  const { page, context } = await site.visit("", { context: WITHOUT_SERVICE_WORKER });
  try {
    await page.goto(`http://127.0.0.1:${(breaking.address() as AddressInfo).port}/#task=faces&scene=3`);
    await ready(page);
    await page.getByText("the model says").first().waitFor(LONG);
    assert.is(ranges.length, 2);
    assert.is(ranges[0], undefined);
    assert.match(ranges[1]!, /^bytes=[1-9]\d+-$/);
  } finally {
    await context.close();
    breaking.closeAllConnections();
    breaking.close();
  }
});

test("the address brings all back", async () => {
  const hash = "#task=attributes&scene=41&head=L0H0&token=3&off=L0H0%2CL1H4&how=zero";
  const { page, context, complaints } = await site.visit(hash);
  await ready(page);
  await page.getByText(/Off: L0H0, L1H4\. .* is left/).waitFor(LONG);
  await page.getByText("L0H0, from “star”").waitFor(LONG);
  assert.is(new URL(page.url()).hash, hash);
  assert.is(await page.getByLabel("What is done").inputValue(), "zero");
  assert.equal(complaints, []);
  await context.close();
});

test("a path is followed from the chosen head; its effect over many scenes stands beside that here", async () => {
  const { page, context, complaints } = await site.visit("#head=L0H0");
  await ready(page);
  await page.getByText("L0H0 over many scenes").waitFor(LONG);
  assert.match(await page.locator(".card").innerText(), /attributes \(\d+ pairs\)\s+0\.\d\d \[0\.\d\d, 0\.\d\d\]/);
  await press(page, "Follow L0H0 at “red”");
  await said(page, "The paths are followed.");
  await page.getByText(/So the path is L0H0 at “red” → \S+ L\dH\d → answer/).waitFor(LONG);
  assert.ok((await page.getByRole("grid", { name: /^Through text.self/ }).count()) === 1);
  assert.equal(complaints, []);
  await context.close();
});

test("colours are chosen, and kept", async () => {
  const { page, context } = await site.visit("", { context: { colorScheme: "light" } });
  const paper = () => page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
  const light = await paper();
  await page.getByLabel("Theme").selectOption("dark");
  const dark = await paper();
  assert.is.not(dark, light);
  await page.reload();
  assert.is(await paper(), dark);
  await page.getByLabel("Theme").selectOption("system");
  assert.is(await paper(), light);
  await context.close();
});

test("a camera takes a picture where it is allowed, and a refusal says what to do", async () => {
  const filmed = await launch([...CHROMIUM_FLAGS, "--use-fake-device-for-media-stream"]);
  try {
    const page = await (await filmed.newContext({ permissions: ["camera"] })).newPage();
    await page.goto(site.address);
    await ready(page);
    await press(page, "Photograph the clean picture");
    await until(page, "document.querySelector('video')?.videoWidth > 0");
    await press(page, "Take it");
    await page.getByText(/clean.*your own/).waitFor(LONG);
    assert.is(await page.locator("video").count(), 0);
    const refusing = await (await filmed.newContext({ permissions: [] })).newPage();
    await refusing.addInitScript(
      "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));",
    );
    await refusing.goto(site.address);
    await press(refusing, "Photograph the clean picture");
    await said(refusing, /camera was refused.*choose a file/);
  } finally {
    await filmed.close();
  }
  // Where there is none, nobody is asked to use it.
  const { page, context } = await site.visit("", {
    before: "navigator.mediaDevices.enumerateDevices = () => Promise.resolve([{ kind: 'audioinput' }]);",
  });
  await ready(page);
  assert.is(await page.getByText("Photograph").count(), 0);
  await context.close();
});

test("another architecture: its sentence, its answers, its own sweep", async () => {
  const { page, context, complaints } = await site.visit();
  await page.route("**/model/*", (route) => {
    const name = new URL(route.request().url()).pathname.split("/").at(-1)!;
    const path = join(ROOT, "weights/scenes-itm", name);
    return existsSync(path) ? route.fulfill({ path }) : route.fulfill({ status: 404 });
  });
  await page.goto(`${site.address}?itm#task=attributes&scene=40`);
  await ready(page);
  const { question, answers } = scenePair("attributes", 40, "match");
  assert.is(await page.getByRole("textbox", { name: "Sentence" }).inputValue(), question);
  await page.getByText(`Clean: the model says “${answers[0]}”`).waitFor(LONG);
  await press(page, "Sweep all heads");
  await said(page, "The sweep is done.");
  assert.is(await page.getByText("over many scenes").count(), 0);
  assert.equal(complaints, []);
  await context.close();
});

test("hostile addresses execute nothing", async () => {
  const { page, context, complaints } = await site.visit();
  const choose = random(2, "addresses");
  const marks = [
    "<img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "'\"><script>alert(1)</script>",
    "{{7*7}}",
    "\u2028",
    "%00",
  ];
  for (let i = 0; i < 40; i++) {
    const key = choose.pick(["task", "question", "answers", "head", "off", "how", "__proto__", "more"]);
    const value = key === "answers" ? `${choose.pick(marks)},b` : choose.pick(marks);
    await page.goto(`${site.address}?${i}#${key}=${encodeURIComponent(value)}`);
    await page.getByText("A picture, and the same").waitFor(LONG);
  }
  await ready(page);
  assert.is(await page.locator("main script, main img[src=x]").count(), 0);
  assert.equal(complaints, []);
  await context.close();
});

test("after its first visit it needs no network, is loaded again without one, and can be forgotten", async () => {
  const { page, context, complaints } = await site.visit();
  await ready(page);
  await page.getByText("as the page is: both work without a network").waitFor(LONG);
  await context.setOffline(true);
  const withoutNetwork = async () => {
    await press(page, "Draw another scene");
    await page.getByText("the model says").first().waitFor(LONG);
    await press(page, "Sweep all heads");
    await said(page, "The sweep is done.");
  };
  await withoutNetwork();
  assert.equal(complaints, []);
  // Another address of the page, too; what the server has to say of its files' age fails, and the page goes on.
  await page.goto(`${site.address}?backend=wasm#task=faces&scene=3`);
  await page.reload();
  await ready(page);
  await withoutNetwork();
  assert.equal(
    complaints.filter((text) => !/ERR_INTERNET_DISCONNECTED/.test(text)),
    [],
  );
  await context.setOffline(false);
  const asked: string[] = [];
  page.on("request", (request) => {
    if (request.method() === "GET") asked.push(new URL(request.url()).pathname);
  });
  await page.reload();
  await ready(page);
  assert.equal(
    asked.filter((path) => path.startsWith("/model/")),
    [],
  );
  await page.getByText("as the page is: both work without a network").waitFor(LONG);
  await press(page, "Forget it");
  await page.getByText("Nothing is kept in this browser").waitFor(LONG);
  assert.equal(await page.evaluate("caches.keys()"), []);
  assert.is(await page.evaluate("navigator.serviceWorker.getRegistrations().then((all) => all.length)"), 0);
  await context.setOffline(true);
  assert.match(String(await page.reload().catch(String)), "ERR_INTERNET_DISCONNECTED");
  await context.close();
});

test("another build takes the place of what is kept", async () => {
  const { page, context } = await site.visit();
  await page.getByText("as the page is: both work without a network").waitFor(LONG);
  const names = () =>
    page.evaluate<string[]>("caches.keys().then((names) => names.filter((name) => /page/.test(name)))");
  const before = await names();
  assert.is(before.length, 1);
  // As another build would be: another title, and another digest in its service worker.
  const index = join(site.folder, "index.html");
  const script = join(site.folder, "offline.js");
  const [page0, script0] = [readFileSync(index, "utf8"), readFileSync(script, "utf8")];
  try {
    writeFileSync(index, page0.replace(/<title>.*<\/title>/, "<title>The next build</title>"));
    writeFileSync(script, script0.replace(before[0]!.split(" ").at(-1)!, "0123456789abcdef"));
    await page.reload();
    assert.is(await page.title(), "The next build");
    const next = before[0]!.replace(/\S+$/, "0123456789abcdef");
    while ((await names()).join() !== next) await page.waitForTimeout(100);
    await context.setOffline(true);
    await page.reload();
    assert.is(await page.title(), "The next build");
    await ready(page);
  } finally {
    writeFileSync(index, page0);
    writeFileSync(script, script0);
  }
  await context.close();
});

test("without a place to keep the model the page says so and goes on", async () => {
  const { page, context } = await site.visit("", { context: WITHOUT_SERVICE_WORKER });
  await beforeWorker(
    page,
    `caches.open = () => Promise.reject(new DOMException("storage is denied", "SecurityError"));`,
  );
  await page.reload();
  await page.getByText(/keeps nothing \(storage is denied\)/).waitFor(LONG);
  await press(page, "Sweep again");
  await said(page, "The sweep is done.");
  await context.close();
});

test("a worker that is lost says so, and another is begun", async () => {
  const { page, context } = await site.visit("", { context: WITHOUT_SERVICE_WORKER });
  let fails = true;
  await page.route("**/worker.js", (route) => (fails ? route.abort() : route.continue()));
  await page.reload();
  await page.getByRole("contentinfo").getByText("The model has stopped").waitFor(LONG);
  fails = false;
  await press(page, "Start the model again");
  await ready(page);
  await context.close();
});

test("SVG, PNG and JSON are saved", async () => {
  const { page, context, complaints } = await site.visit();
  await ready(page);
  const read = async (name: string) => readFileSync(await saved(page, name));
  const svg = (await read("Map as SVG")).toString();
  assert.match(svg, /^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/);
  assert.is((await read("Map as PNG")).subarray(1, 4).toString(), "PNG");
  const { question, effects } = JSON.parse((await read("All as JSON")).toString());
  assert.is(question, scenePair(START.task, START.scene).question);
  assert.is(effects.length, 3);
  assert.equal(complaints, []);
  await context.close();
});

for (const colorScheme of ["light", "dark"] as const)
  for (const width of [360, 768, 1440])
    test(`nothing serious is found by axe, nothing overflows: ${width} pixels, ${colorScheme}`, async () => {
      const { page, context } = await site.visit("#head=L0H0&off=L0H0", {
        context: { viewport: { width, height: 900 }, colorScheme },
      });
      await ready(page);
      await page.getByText(/is left/).waitFor(LONG);
      for (const name of ["What is this? Five steps", "The same from code"]) await page.getByText(name).click();
      const wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
      assert.is(await page.evaluate(wide), 0);
      const sizes = await page.evaluate<number[]>(
        `[...document.querySelectorAll("body *")].map((one) => parseFloat(getComputedStyle(one).fontSize))`,
      );
      assert.ok(Math.min(...sizes) >= 9, `${Math.min(...sizes)}`);
      await page.evaluate(readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8"));
      const { violations } = await page.evaluate<{
        violations: { id: string; impact: string; nodes: { html: string }[] }[];
      }>("axe.run()");
      const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
      assert.equal(
        serious.map(({ id, nodes }) => [id, nodes[0]!.html]),
        [],
      );
      await context.close();
    });

if (HAS_CHROMIUM) test.run();
else lacking("browser", NO_CHROMIUM);
