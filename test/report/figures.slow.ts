import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { writeReport } from "../../src/report/report.js";
import type { ReportData } from "../../src/report/report-data.js";
import { headlines, type RuledCircuit } from "../../src/study/ruled.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { CHROMIUM, CHROMIUM_FLAGS, HAS_CHROMIUM, NO_CHROMIUM } from "../support/chromium.js";
import { drawAll } from "../support/draw-all.js";
import { inkAtEdges, inkInFiles } from "../support/ink.js";
import { lacking } from "../support/needed.js";
import { reportData } from "../support/report-data.js";

// Every figure of the report of every kind of run: nothing is cut, nothing is too small to read, the page never scrolls
// sideways.

const test = suite("figures");

const RULED: RuledCircuit = {
  ...{ dataset: "attributes", modality: "image", rule: "minimal", heads: ["text.cross.z:L2H1"], size: 1, of: 36 },
  ...{ found_on: 12, tested_on: 11, kept: 0.9123, kept_low: 0.85, kept_high: 0.97, removed: 0.1, no_head: 0.05 },
  ...{ random: 0.2, random_sets: 20, p_value: 1 / 21, cpr: 0.77, cmd: 0.23 },
};

/** The same run of an architecture with other sites. */
function withSites(data: ReportData, sites: Readonly<Record<string, string>>): ReportData {
  const renamed = (value: unknown): unknown => {
    if (typeof value === "string") return sites[value] ?? value;
    if (Array.isArray(value)) return value.map(renamed);
    if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, renamed(one)]));
  };
  return renamed(data) as ReportData;
}

const ruled = [
  RULED,
  { ...RULED, modality: "text", no_head: 0.97 } as const,
  { ...RULED, dataset: "faces", kept: 0.5 },
];
const answering: ReportData = { ...reportData(), rules: ruled, headlines: headlines(ruled) };
const { circuits } = answering;

/** Reports by what they are of. */
const KINDS: Readonly<Record<string, ReportData>> = {
  answering,
  "base size": reportData({ layers: 12, heads: 12, side: 24, samples: 13 }),
  matching: { ...answering, tokenMaps: answering.tokenMaps.slice(0, 2), attribution: [] },
  captions: withSites(answering, { "text.cross.z": "decoder.cross.z", "text.self.z": "decoder.self.z" }),
  "decoder-only": withSites(
    {
      ...answering,
      circuits: circuits.filter(({ site }) => site === "text.cross.z"),
      universality: answering.universality.slice(0, 1),
    },
    { "text.cross.z": "text.self.z" },
  ),
  tiny: reportData({ layers: 1, heads: 1, side: 1, samples: 2 }),
  "nothing found": {
    ...answering,
    ...{
      circuits: circuits.filter(({ circuit }) => circuit.samples === 0),
      tokenMaps: [],
      universality: [],
      shared: [],
    },
    ...{ verified: [], attribution: [], rules: [], headlines: [], headFunctions: [], overlays: [] },
  },
};

let browser: Browser | undefined;

test("a browser opens", async () => {
  browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS });
});

test.after(async () => {
  await browser?.close();
});

/** What is wrong with a page as it stands: run in the browser. */
const FAULTS = `(() => {
  const faults = [];
  const nameOf = (one) => (one.closest("[aria-label]")?.getAttribute("aria-label") ?? one.getAttribute("class") ?? one.tagName).slice(0, 60);
  const page = document.documentElement;
  if (page.scrollWidth > page.clientWidth) faults.push("the page scrolls sideways");
  for (const svg of document.querySelectorAll("svg")) {
    const frame = svg.getBoundingClientRect();
    if (frame.width === 0) continue;
    for (const one of svg.querySelectorAll("text, rect, path, circle, line")) {
      if (getComputedStyle(one).visibility === "hidden" || one.closest("defs, clipPath")) continue;
      const box = one.getBoundingClientRect();
      if (box.width === 0 && box.height === 0) continue;
      const out = Math.max(frame.left - box.left, frame.top - box.top, box.right - frame.right, box.bottom - frame.bottom);
      if (out > 0.6) faults.push(nameOf(svg) + ": " + one.tagName + " " + one.textContent.slice(0, 30) + " is cut by " + out.toFixed(1));
    }
    const scale = frame.width / (svg.viewBox.baseVal?.width || svg.width.baseVal.value);
    for (const text of svg.querySelectorAll("text")) {
      const size = parseFloat(getComputedStyle(text).fontSize) * scale;
      // What stands for a dot is no text.
      if (size < 9 && /[\\p{L}\\p{N}]/u.test(text.textContent)) faults.push(nameOf(svg) + ": text of " + size.toFixed(1) + " px");
    }
  }
  for (const one of document.querySelectorAll("main *")) {
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== "");
    if (own && parseFloat(getComputedStyle(one).fontSize) < 9 && !one.closest("svg")) faults.push("text of " + getComputedStyle(one).fontSize);
    // What is wider than its box scrolls in it, and the keyboard reaches that.
    if (one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0 && getComputedStyle(one).overflowX === "hidden")
      faults.push(nameOf(one) + " is cut");
  }
  for (const image of document.querySelectorAll("main img")) {
    const box = image.getBoundingClientRect();
    if (box.right > page.clientWidth + 0.6 && !image.closest(".plot")) faults.push("a picture is cut: " + image.alt);
  }
  return [...new Set(faults)];
})()`;

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe-core finds serious. */
async function serious(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const found = await page.evaluate<{ impact: string; id: string; nodes: { html: string }[] }[]>(
    "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations)",
  );
  return found
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes[0]!.html.slice(0, 200)}`);
}

const WIDTHS = [360, 768, 1440];

for (const [kind, data] of Object.entries(KINDS))
  test(`${kind}: nothing is cut, too small or too wide at 360, 768 and 1440 pixels, light and dark`, async () => {
    const folder = temporaryFolder();
    const url = pathToFileURL(await writeReport(data, folder, { png: false })).href;
    const page = await browser!.newPage({ viewport: { width: 1440, height: 900 } });
    await page.goto(url);
    await drawAll(page);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 900 });
        assert.equal(await page.evaluate(FAULTS), [], `${kind}, ${width}, ${colorScheme}`);
      }
      if (kind === "answering" || kind === "nothing found") assert.equal(await serious(page), [], colorScheme);
    }
    await page.emulateMedia({ colorScheme: "light" });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      assert.equal(await inkAtEdges(page), [], `${kind}, ${width}`);
    }
    await page.goto("about:blank");
    assert.equal(await inkInFiles(page, join(folder, "figures")), [], `${kind}, files`);
    await page.close();
  });

test("what is cut is noticed", async () => {
  const page = await browser!.newPage({ viewport: { width: 360, height: 900 } });
  await page.setContent(
    '<main><svg width="60" height="20"><text x="40" y="15" font-size="8">a legend</text></svg><p style="width:500px">wide</p></main>',
  );
  const found = await page.evaluate<string[]>(FAULTS);
  assert.is(found.length, 3, found.join("; "));
  // Half a letter beyond an edge, and a line along one.
  await page.setContent(
    '<main><svg width="60" height="20"><text x="-4" y="15">cut</text></svg><svg width="60" height="20"><rect x="9" y="19" width="9" height="1"/></svg></main>',
  );
  assert.equal(await inkAtEdges(page), ["a drawing: ink at its left", "a drawing: ink at its bottom"]);
  await page.close();
});

if (HAS_CHROMIUM) test.run();
else lacking("browser", NO_CHROMIUM);
