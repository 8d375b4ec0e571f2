import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { PNG } from "pngjs";

/** A drawing of a page, in its pixels. */
interface Drawn {
  readonly name: string;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  /** Its bars reach its edges: only what lies beyond these is cut. */
  readonly full: boolean;
  /** What holds it scrolls: its right edge is not to be seen. */
  readonly scrolled: boolean;
}

/** So many pixels around a drawing are looked at, where nothing else stands. */
const RING = 3;

/**
 * Shows what drawings hide: all of them as they would be were they not cut, each once, without tables and texts between
 * them.
 */
const UNCUT = `
  svg { overflow: visible !important; }
  .scroll, .plot { padding: ${RING + 1}px; border-color: transparent !important; }
  .scroll:has(table), p, h1, h2, h3, h4, nav, dl, summary, figcaption, img { display: none !important; }
  .legend p, .effect p, .key { display: block !important; visibility: hidden; }
  .twice { display: none !important; }
  svg { margin: ${RING + 1}px; }`;

/** Run in the browser. */
const DRAWINGS = `(() => {
  const seen = new Set();
  const drawings = [...document.querySelectorAll("svg")].filter((svg) => !svg.closest(".key") && svg.getBoundingClientRect().width > 0);
  for (const svg of drawings) {
    const same = svg.outerHTML;
    svg.classList.toggle("twice", seen.has(same));
    seen.add(same);
  }
  return drawings.map((svg) => {
    const { left, top, right, bottom, width } = svg.getBoundingClientRect();
    const holder = svg.closest(".scroll, .plot");
    const name = (svg.closest("[aria-label]")?.getAttribute("aria-label") ?? "").slice(0, 60) || "a drawing";
    const full = svg.closest(".legend, .effect") !== null;
    const edges = { left: left + scrollX, top: top + scrollY, right: right + scrollX, bottom: bottom + scrollY };
    return { name, ...edges, full, width, scrolled: holder !== null && holder.scrollWidth > holder.clientWidth + 1 };
  }).filter(({ width }) => width > 0);
})()`;

/** Where a page's drawings have ink at their edges, or beyond them. The page is not what it was afterwards. */
export async function inkAtEdges(page: Page): Promise<string[]> {
  if ((await page.locator("#uncut").count()) === 0)
    await page.evaluate(
      `document.head.insertAdjacentHTML("beforeend", ${JSON.stringify(`<style id="uncut">${UNCUT}</style>`)})`,
    );
  const drawings = await page.evaluate<Drawn[]>(DRAWINGS);
  if (drawings.length === 0) return [];
  const shot = PNG.sync.read(await page.screenshot({ fullPage: true }));
  return drawings.flatMap((one) => inkOf(shot, one));
}

function inkOf(shot: PNG, { name, full, scrolled, ...edges }: Drawn): string[] {
  // A browser draws a box from the nearest whole pixel on.
  const [left, top] = [Math.round(edges.left), Math.round(edges.top)];
  const [right, bottom] = [Math.round(edges.right) - 1, Math.round(edges.bottom) - 1];
  if (bottom + RING >= shot.height) return [`${name}: the picture of the page ends above it`];
  const last = Math.min(right, shot.width - 1);
  // A ring outside, and one pixel inside.
  const depths = [...Array.from({ length: RING }, (_, i) => -1 - i), ...(full ? [] : [0])];
  const has = (xs: [number, number], ys: [number, number]) => hasInk(shot, xs, ys);
  const found = depths.flatMap((depth) => [
    ...(has([left, scrolled ? last - RING : last], [top + depth, top + depth]) ? ["top"] : []),
    ...(has([left, scrolled ? last - RING : last], [bottom - depth, bottom - depth]) ? ["bottom"] : []),
    ...(has([left + depth, left + depth], [top, bottom]) ? ["left"] : []),
    ...(!scrolled && has([right - depth, right - depth], [top, bottom]) ? ["right"] : []),
  ]);
  return [...new Set(found)].map((side) => `${name}: ink at its ${side}`);
}

/** Whether not all pixels of a line are alike, as paper is. */
function hasInk({ width, data }: PNG, [x0, x1]: [number, number], [y0, y1]: [number, number]): boolean {
  const paper = 4 * (y0 * width + x0);
  for (let y = y0; y <= y1; y++)
    for (let x = x0; x <= x1; x++)
      for (let channel = 0; channel < 3; channel++)
        if (Math.abs(data[4 * (y * width + x) + channel]! - data[paper + channel]!) > TOLERANCE) return true;
  return false;
}

const TOLERANCE = 8;

/** The same of a folder's SVG files, as a browser shows them. */
export async function inkInFiles(page: Page, folder: string): Promise<string[]> {
  const files = readdirSync(folder).filter((name) => name.endsWith(".svg"));
  const shown = files.map((name) => {
    const source = readFileSync(join(folder, name)).toString("base64");
    return `<img alt="${name}" src="data:image/svg+xml;base64,${source}" style="display:block;margin:9px">`;
  });
  await page.setContent(`<body style="background:#fff;margin:0">${shown.join("")}`);
  await page.evaluate("Promise.all([...document.images].map((one) => one.decode()))");
  const drawings = await page.evaluate<Drawn[]>(`[...document.images].map((one) => {
    const { left, top, right, bottom } = one.getBoundingClientRect();
    return { name: one.alt, left, top, right, bottom, full: false, scrolled: false };
  })`);
  if (drawings.length === 0) return [];
  const shot = PNG.sync.read(await page.screenshot({ fullPage: true }));
  return drawings.flatMap((one) => inkOf(shot, one));
}
