import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { headFunctions } from "../src/patching/attention-functions.js";
import { headName } from "../src/patching/head-place.js";
import { aloneIn, finding } from "../src/report/finding.js";
import { gatherReport } from "../src/report/gather.js";
import { headMapPng } from "../src/report/heatmap.js";
import { writeReport } from "../src/report/report.js";
import type { ReportData } from "../src/report/report-data.js";
import { circuitFigure, circuitMeans, sharedExtent } from "../src/report/report-figures.js";
import { bounds, share } from "../src/report/words.js";
import { readFindings } from "../src/study/findings.js";
import { shownChance } from "../src/study/ruled.js";
import { StudyRun } from "../src/study/run.js";
import type { GivenSettings } from "../src/study/settings.js";
import { STAGES } from "../src/study/stage.js";
import { runStages } from "../src/study/study.js";

// The run that the README's lines and pictures are of. `scripts/readme-pictures.ts` writes all three from it; tests
// hold them to it, and a part of it to what the code finds.

const FOLDER = "docs/pictures";
export const KEPT = join(FOLDER, "run.json");
export const HEAD_MAP = join(FOLDER, "head-map.png");
export const REPORT = join(FOLDER, "report.png");
/** What stands in the picture of the report: a browser of another version draws other pixels. */
export const TEXT = join(FOLDER, "report.txt");

const SETTINGS = { n: 12, dataset: ["scenes"] };

/** What the first screen of a report says of a study, without its photographs. */
export type KeptRun = ReportData;

/** Studies the embedded model. @param given settings that make it a part of the whole. */
export async function study(given: GivenSettings = {}): Promise<KeptRun> {
  const folder = await mkdtemp(join(tmpdir(), "notice-readme-"));
  try {
    using run = await StudyRun.open(join(folder, "run"), { ...SETTINGS, ...given });
    await runStages(run, STAGES, { backend: "wasm", workers: 2 });
    const data = await gatherReport(run, await readFindings(run));
    const shared = data.shared.map((one) => ({ ...one, pictures: [], looked: 0 }));
    const kept: KeptRun = { ...data, shared, tokenMaps: [], verified: [], attribution: [], overlays: [] };
    return JSON.parse(keptText(kept));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** As the file has it: six digits say all that is shown. */
export const keptText = (run: KeptRun) =>
  `${JSON.stringify(run, (_, value) => (typeof value === "number" ? Number(value.toPrecision(6)) : value))}\n`;

export const readKept = async () => JSON.parse(await readFile(KEPT, "utf8")) as KeptRun;

/** The README's three lines. @throws Error where the run no longer says what they say. */
export function readmeLines(run: KeptRun): string[] {
  const found = run.headlines!.find(({ dataset, modality }) => dataset === "actions" && modality === "image")?.smallest;
  const [head, ...others] = run.shared;
  const own = head && run.headFunctions.filter((one) => one.layer === head.layer && one.head === head.head);
  const [words] = finding(run).slice(2);
  const isAsSaid =
    found?.p_value &&
    found.p_value <= 0.05 &&
    head?.circuits.length === head?.of &&
    others.length === 0 &&
    own?.every((one) => headFunctions(one).includes("segmentation")) &&
    /^Where words of the text are exchanged, nothing is shown on [^;]*\.$/.test(words ?? "");
  if (!isAsSaid) throw new Error(`The README's lines say something else than this run:\n${finding(run).join("\n")}`);
  const moves = aloneIn(run, head!).filter(({ modality }) => modality === "image");
  const means = moves.map(({ mean }) => mean).sort((a, b) => a - b);
  const { size, of, kept, kept_low, kept_high, random } = found;
  return [
    `- ${size} of ${of} heads carry ${share(kept)} [${bounds(kept_low, kept_high)}] of the answer on other pairs of actions; ` +
      `as many random ones carry ${share(random!)}, p = ${shownChance(found)}.`,
    `- One head, ${headName(head!)}, is in all ${COUNTS[head!.of]} circuits. It looks at the object; put back alone, it moves the answer by ` +
      `${share(means[0]!).replace("%", "")} to ${share(means.at(-1)!)}.`,
    "- Where the words of the question are exchanged instead of the picture, nothing is shown, and the report says so.",
  ];
}

const COUNTS: Readonly<Record<number, string>> = { 2: "two", 3: "three", 4: "four", 6: "six" };

/** The map of the first data set, where pictures are exchanged. */
export async function drawHeadMap({ circuits, looking }: KeptRun): Promise<Uint8Array> {
  const first = circuits.find(({ site, modality }) => site === looking && modality === "image")!;
  return headMapPng(circuitFigure(first, sharedExtent([circuitMeans(first)]))!.map);
}

/** The sentences and the maps of the report's first screen, and what stands there. */
export async function drawReport(run: KeptRun, browser: Browser): Promise<{ png: Uint8Array; text: string }> {
  const folder = await mkdtemp(join(tmpdir(), "notice-readme-"));
  const page = await browser.newPage({ viewport: { width: 1200, height: 600 }, colorScheme: "light" });
  try {
    await page.goto(pathToFileURL(await writeReport(run, folder, { png: false })).href);
    const maps = page.locator("#finding > .panels");
    const { y, height } = (await maps.boundingBox())!;
    const png = await page.screenshot({ clip: { x: 0, y: 0, width: 1200, height: y + height }, fullPage: true });
    const said = await page.locator("h1, #finding > p:not(h2 ~ p), #finding > .panels figcaption").all();
    return { png, text: (await Promise.all(said.map((one) => one.innerText()))).join("\n") };
  } finally {
    await page.close();
    await rm(folder, { recursive: true });
  }
}
