import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { writeReport } from "../../src/report/report.js";
import type { ReportData } from "../../src/report/report-data.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { CHROMIUM, CHROMIUM_FLAGS, HAS_CHROMIUM, NO_CHROMIUM } from "../support/chromium.js";
import { drawAll } from "../support/draw-all.js";
import { lacking } from "../support/needed.js";
import { hostile, reportData } from "../support/report-data.js";

const test = suite("page");

const data = reportData();
const few = {
  ...data,
  verified: data.verified.slice(0, 1),
  attribution: data.attribution.slice(0, 1),
  circuits: data.circuits.slice(0, 1),
  shared: data.shared.slice(0, 1),
  tokenMaps: data.tokenMaps.slice(0, 1),
  overlays: data.overlays.slice(0, 1),
};
let browser: Browser | undefined;
let report: string;
/** The report with all figures drawn. */
let drawn: Awaited<ReturnType<typeof open>>;

// Not in a hook that runs before: uvu passes over what is thrown there.
test("a browser opens the report and draws every figure", async () => {
  report = await written(data);
  browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS });
  drawn = await open(report);
  await drawAll(drawn.page);
});

test.after(async () => {
  await browser?.close();
});

/** The address of a report. */
async function written(report: ReportData): Promise<string> {
  return pathToFileURL(await writeReport(report, temporaryFolder(), { png: false })).href;
}

/** A report opened; `complaints` are errors of the console and of scripts, `asked` the addresses that it asked for. */
async function open(url: string, { width = 1280, javaScriptEnabled = true } = {}) {
  const page = await browser!.newPage({ viewport: { width, height: 900 }, javaScriptEnabled });
  const complaints: string[] = [];
  const asked: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(url);
  return { page, complaints, asked: () => asked.filter((address) => !address.startsWith("data:") && address !== url) };
}

const overflow = (page: Page) =>
  page.evaluate<number>("document.documentElement.scrollWidth - document.documentElement.clientWidth");

test("maps have all their cells, charts their marks, without errors or requests", async () => {
  const { page, complaints, asked } = drawn;
  const first = page.locator(".map").first();
  const cells = first.locator(".cell");
  assert.is(await cells.count(), 3 * 6);
  assert.is(await first.locator('rect[stroke="#111111"]').count(), 1, "the frame of the circuit's one head");
  for (const cell of await cells.all()) {
    const { width, height } = (await cell.locator("rect").first().boundingBox())!;
    assert.ok(width > 20 && height > 15, `a cell of ${width} x ${height}`);
  }
  assert.is(await page.locator("[data-figure] img").count(), 0);
  assert.equal([complaints, asked()], [[], []]);
  // Layer 2, head 1, below the number.
  await first.scrollIntoViewIfNeeded();
  await cells
    .nth(2 * 6 + 1)
    .locator("rect")
    .first()
    .hover({ force: true, position: { x: 4, y: 20 } });
  const tip = cells.nth(2 * 6 + 1).locator(".tip");
  assert.ok(await tip.isVisible());
  assert.match((await tip.textContent())!, /layer 2, head 1: 0\.6.*, mean \|effect\| .*, in the circuit/);
});

test("a chart's mark says what it is", async () => {
  const { page } = drawn;
  const chart = page.locator('[data-figure="0"]');
  await chart.scrollIntoViewIfNeeded();
  await chart.locator(".mark-symbol.role-mark path").last().hover({ force: true });
  const tooltip = page.locator("#vg-tooltip-element.visible");
  await tooltip.waitFor();
  assert.match(await tooltip.innerText(), /kept are[\s\S]*share/);
});

test("the keyboard reaches the way to the finding first, then every map and chart, with its numbers", async () => {
  const { page } = drawn;
  const focused = page.locator(":focus");
  await page.evaluate("scrollTo(0, 0)");
  await page.keyboard.press("Tab");
  assert.is(await focused.innerText(), "Skip to the finding");
  const figures = (await page.locator("[data-figure]").count()) + (await page.locator(".map").count());
  let reached = 0;
  for (let stops = 0; stops < 400 && reached < figures; stops++) {
    await page.keyboard.press("Tab");
    const place = await focused.evaluate((one) => [one.getAttribute("class"), one.getAttribute("data-figure")]);
    if (place[0] !== "cell" && place[1] === null) continue;
    reached++;
    if (reached === 1) {
      await page.keyboard.press("ArrowRight");
      assert.is(await focused.getAttribute("data-column"), "1");
    }
    await page.keyboard.press("Tab");
    assert.is(await focused.innerText(), "Numbers");
  }
  assert.is(reached, figures);
});

test("a link to what is folded opens it", async () => {
  const { page } = await open(report);
  const folded = page.locator("details.section", { has: page.locator("#circuits") });
  assert.is(await folded.getAttribute("open"), null);
  await page.locator('nav a[href="#circuits"]').click();
  assert.is(await folded.getAttribute("open"), "");
  await page.close();
});

test("nothing overflows 1280 or 400 pixels, with every table open", async () => {
  const { page } = drawn;
  for (const width of [1280, 400]) {
    await page.setViewportSize({ width, height: 900 });
    assert.is(await overflow(page), 0, `${width} pixels`);
  }
  for (const table of await page.locator("table").all()) assert.ok((await table.boundingBox())!.width > 100);
});

test("without scripts the still figures are there", async () => {
  const { page, complaints } = await open(report, { javaScriptEnabled: false });
  assert.is(await page.locator("[data-figure] svg").count(), 0);
  await page.locator("details").evaluateAll((all) => {
    for (const one of all) one.setAttribute("open", "");
  });
  const images = await page.locator("[data-figure] img").all();
  assert.is(images.length, await page.locator("[data-figure]").count());
  assert.ok(images.length > 0);
  for (const image of images) {
    const { width, height } = (await image.boundingBox())!;
    assert.ok(width > 200 && height > 150, `a figure of ${width} x ${height}`);
  }
  assert.equal(complaints, []);
  await page.close();
});

test("strings that attack the page are only read", async () => {
  const { page, complaints, asked } = await open(await written(hostile(few)), { width: 400 });
  await drawAll(page);
  assert.is(await page.locator("[onerror], img[src=x]").count(), 0);
  assert.is(await page.locator("script").count(), 5);
  assert.equal([complaints, asked(), await overflow(page)], [[], [], 0]);
  await page.close();
});

test("a model of base size is drawn as well", async () => {
  const base = reportData({ layers: 12, heads: 12, side: 24, samples: 13 });
  const circuits = base.circuits.slice(0, 1);
  const { page, complaints } = await open(await written({ ...base, circuits, overlays: base.overlays.slice(0, 1) }), {
    width: 400,
  });
  await drawAll(page);
  assert.is(await page.locator(".map").first().locator(".cell").count(), 144);
  assert.equal([complaints, await overflow(page)], [[], 0]);
  await page.close();
});

if (HAS_CHROMIUM) test.run();
else lacking("browser", NO_CHROMIUM);
