import { readFile, writeFile } from "node:fs/promises";
import { chromium } from "playwright-core";
import {
  drawHeadMap,
  drawReport,
  HEAD_MAP,
  KEPT,
  keptText,
  REPORT,
  readKept,
  readmeLines,
  study,
  TEXT,
} from "./kept-run.js";

// `npm run pictures`: studies the embedded model (a minute) and writes the README's three lines, its pictures and the
// numbers that they are of. `npm run pictures -- kept` takes the numbers that are there.

const run = process.argv[2] === "kept" ? await readKept() : await study();
await writeFile(KEPT, keptText(run));
const readme = await readFile("README.md", "utf8");
const lines = readmeLines(run).join("\n");
await writeFile(
  "README.md",
  readme.replace(/(?<=^What it finds .*\n\n)(?:- .*\n)+/m, () => `${lines}\n`),
);
await writeFile(HEAD_MAP, await drawHeadMap(run));
const executablePath = process.env.NOTICE_CHROMIUM ?? "/usr/bin/chromium";
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
const { png, text } = await drawReport(run, browser);
await browser.close();
await writeFile(REPORT, png);
await writeFile(TEXT, `${text}\n`);
