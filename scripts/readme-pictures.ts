import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { gatherReport } from "../src/report/gather.js";
import { headMapPng } from "../src/report/heatmap.js";
import { circuitFigure, circuitMeans, sharedExtent } from "../src/report/report-figures.js";
import { readFindings } from "../src/study/findings.js";
import { StudyRun } from "../src/study/run.js";

// `npm run pictures [RUN]`: draws the README's pictures from a run (default: that of `npm start`) and its report.html.

const FOLDER = "docs/pictures";
const folder = process.argv[2] ?? "runs/scenes";

using run = await StudyRun.reopen(folder, {});
const data = await gatherReport(run, await readFindings(run));
const first = data.circuits.find(({ site, modality }) => site === data.looking && modality === "image")!;
const figure = circuitFigure(first, sharedExtent([circuitMeans(first)]))!;
await writeFile(join(FOLDER, "head-map.png"), await headMapPng(figure.map));

const executablePath = process.env.NOTICE_CHROMIUM ?? "/usr/bin/chromium";
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage({ viewport: { width: 1200, height: 600 }, colorScheme: "light" });
await page.goto(pathToFileURL(resolve(folder, "report.html")).href);
// The sentences and the maps: photographs would weigh more than all else.
const { y, height } = (await page.locator("#finding > .panels").boundingBox())!;
await page.screenshot({ path: join(FOLDER, "report.png"), clip: { x: 0, y: 0, width: 1200, height: y + height } });
await browser.close();
