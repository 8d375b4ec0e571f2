import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Browser, chromium } from "playwright-core";
import { START, stateHash } from "../playground/state.js";

// `npm run bench:playground`: how long the page takes to its first answer and for a sweep, in a browser that has
// nothing of it yet, and what it weighs, beside the limits. NOTICE_CHROMIUM names the browser.

const RUNS = 5;
const LIMITS = { "first paint": 1000, "first answer": 3000, sweep: 2500, "a head off": 100 };

const SCENE = { ...START, scene: START.scene + 1, selected: { layer: 0, head: 0 } };

async function timesIn(browser: Browser, address: string): Promise<Record<keyof typeof LIMITS, number>> {
  const context = await browser.newContext();
  const page = await context.newPage();
  // Another scene than the example's: nothing is answered before the model is there.
  await page.goto(`${address}#${stateHash(SCENE)}`);
  await page.getByText("Clean: the model says").waitFor();
  const answered = await page.evaluate<number>("performance.now()");
  const painted = await page.evaluate<number>('performance.getEntriesByName("first-contentful-paint")[0].startTime');
  const sweep = await page.evaluate<number>(timed("Sweep all heads", "The sweep is done"));
  const off = await page.evaluate<number>(timed("Switch L0H0 off", "of the answer is left"));
  await context.close();
  return { "first paint": painted, "first answer": answered, sweep, "a head off": off };
}

/** A program for the page: milliseconds from a press on a button until something is said. */
function timed(button: string, said: string): string {
  return `new Promise((resolve) => {
    const begun = performance.now();
    new MutationObserver((_, observer) => {
      if (!document.body.textContent.includes(${JSON.stringify(said)})) return;
      observer.disconnect();
      resolve(performance.now() - begun);
    }).observe(document.body, { childList: true, characterData: true, subtree: true });
    const named = ({ textContent }) => textContent === ${JSON.stringify(button)};
    [...document.querySelectorAll("button")].find(named).click();
  })`;
}

const server = spawn(process.execPath, ["dist/cli/main.js", "playground", "--no-open"]);
const [said] = await once(server.stdout, "data");
const address = String(said).split("\n")[0]!;
const browser = await chromium.launch({
  executablePath: process.env.NOTICE_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
const runs: Record<keyof typeof LIMITS, number>[] = [];
for (let i = 0; i < RUNS; i++) runs.push(await timesIn(browser, address));
await browser.close();
for (const name of Object.keys(LIMITS) as (keyof typeof LIMITS)[]) {
  const times = runs.map((run) => run[name]).sort((a, b) => a - b);
  const [middle, least, most] = [times[RUNS >> 1]!, times[0]!, times.at(-1)!].map((ms) => ms.toFixed(0));
  console.log(`${name}: ${middle} ms (${least} to ${most}); limit ${LIMITS[name]} ms`);
}
const folder = "dist/playground";
for (const name of ["index.html", ...readdirSync(join(folder, "assets")).map((file) => `assets/${file}`)]) {
  const bytes = readFileSync(join(folder, name));
  const limit = name.endsWith("page.js") ? "; limit 150 KB" : "";
  console.log(
    `${name}: ${(bytes.length / 1e3).toFixed(0)} KB, ${(gzipSync(bytes).length / 1e3).toFixed(0)} KB gzip${limit}`,
  );
}
server.kill();
