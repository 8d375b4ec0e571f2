import { createHash } from "node:crypto";
import { lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { checkObject, NoticeError } from "../base/errors.js";
import { checkShape } from "../base/options.js";
import { removeLeftovers } from "../files/leftovers.js";
import { isWritten, refuseForeign } from "../files/output.js";
import { makeFolder, writeWhole } from "../files/write.js";
import { PAGE_STYLE } from "../page/style.js";
import { comparison } from "./comparison-section.js";
import { FigureBook } from "./figure-book.js";
import { firstScreen } from "./first-screen.js";
import { attention, overlays } from "./head-sections.js";
import { Html, html, inlineScript, jsonScript } from "./html.js";
import { drawingLibraries } from "./libraries.js";
import { PAGE_SCRIPT } from "./page-script.js";
import { openRasteriser } from "./png-thread.js";
import type { ReportData } from "./report-data.js";
import {
  circuitMaps,
  circuits,
  leftOut,
  members,
  type Section,
  samples,
  shares,
  tokens,
  whatWasRun,
} from "./report-sections.js";
import { attribution, heldUp } from "./trust-sections.js";

/** What is written beside the page. */
export interface ReportOptions {
  /** Also write each figure as a PNG. Default true. */
  readonly png?: boolean;
}

/**
 * Writes the report of a study: `report.html`, one file that asks the network for nothing, and its figures once more in
 * `figures/`.
 *
 * @param folder is made where it is missing.
 * @returns the path of the page.
 * @throws NoticeError `options` where the folder may not be written to, or holds files of these names that are none of
 * a report, or a map or overlay has numbers that are not finite.
 */
export async function writeReport(data: ReportData, folder: string, options: ReportOptions = {}): Promise<string> {
  checkObject("What writeReport writes", data, "what gatherReport returns");
  checkShape("writeReport", options, { such: "{ png: false }", keys: ["png"] });
  const { png = true } = options;
  const path = join(folder, "report.html");
  const figures = join(folder, "figures");
  await using pngs = png ? openRasteriser() : undefined;
  const book = new FigureBook(pngs);
  const page = await reportPage(data, book);
  const files = await Promise.all([...book.files].map(async ([name, drawn]) => [name, await drawn] as const));
  await refuseForeign(path, "page");
  await makeFolder(figures);
  if ((await lstat(figures)).isSymbolicLink())
    throw new NoticeError("options", `${figures} is a link; the report's figures go into a folder of its own.`);
  for (const [name] of files) await refuseForeign(join(figures, name), kindOf(name));
  for (const one of [folder, figures]) await removeLeftovers(one);
  await removeEarlier(figures, book);
  for (const [name, content] of files) await writeWhole(join(figures, name), content);
  await writeWhole(path, page);
  return path;
}

const kindOf = (name: string) => (name.endsWith(".svg") ? "svg" : "png");

/** Figures of an earlier report that this one has not. What else is there is somebody's. */
async function removeEarlier(figures: string, { files }: FigureBook): Promise<void> {
  for (const name of await readdir(figures)) {
    const file = join(figures, name);
    const isFigure = /^\d{3,}-[a-z0-9-]*\.(svg|png)$/.test(name) && (await lstat(file)).isFile();
    if (isFigure && !files.has(name) && (await isWritten(file, kindOf(name)))) await rm(file, { force: true });
  }
}

async function reportPage(data: ReportData, book: FigureBook): Promise<string> {
  const maps = await circuitMaps(data, book);
  const first = firstScreen(data, book, maps);
  // Evidence first, then what it was made of, behind lines that open it.
  const shown = [...comparison(data), await heldUp(data, book), attention(data), members(data), leftOut(data)];
  const folded = [
    circuits(data, maps),
    await tokens(data, book),
    await shares(data, book),
    overlays(data, book),
    await attribution(data, book),
    samples(data),
    whatWasRun(data),
  ];
  const scripts = [...(await drawingLibraries()), PAGE_SCRIPT].map(inlineScript);
  const { markup } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentPolicy(scripts)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${data.title}</title>
<style>${new Html(PAGE_STYLE)}</style>
</head>
<body>
<a class="skip" href="#finding">Skip to the finding</a>
<main>
${first}
<nav aria-label="Contents"><ol>
${[...shown, ...folded].map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>\n`)}</ol></nav>
${shown.map(shownSection)}${folded.map(foldedSection)}</main>
${jsonScript("specs", book.specs)}
${scripts.map((script) => new Html(`<script>${script}</script>\n`))}</body>
</html>
`;
  return markup;
}

function shownSection({ id, title, content }: Section): Html {
  return html`<section aria-labelledby="${id}">
<h2 id="${id}">${title}</h2>
${content}</section>
`;
}

/** A link to it opens it, since its target lies within. */
function foldedSection({ id, title, content }: Section): Html {
  return html`<details class="section"><summary><h2>${title}</h2></summary>
<section id="${id}" aria-label="${title}">
${content}</section></details>
`;
}

/** Nothing is fetched, and no script runs but these: text that got past every escaping still could not. */
function contentPolicy(scripts: readonly string[]): string {
  const hashes = scripts.map((script) => `'sha256-${createHash("sha256").update(script).digest("base64")}'`);
  return (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; " +
    `script-src ${hashes.join(" ")}`
  );
}
