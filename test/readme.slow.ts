import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { PNG } from "pngjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { drawReport, type KeptRun, REPORT, readKept, study, TEXT } from "../scripts/kept-run.js";
import { CHROMIUM, CHROMIUM_FLAGS, HAS_CHROMIUM, NO_CHROMIUM } from "./support/chromium.js";
import { lacking } from "./support/needed.js";
import { ROOT } from "./support/root.js";

// The README's picture and numbers, made once more: `npm run pictures` writes them.

const test = suite("readme");

/** Pixels that differ by more than other versions of a browser draw the same letters. */
const MOST_OTHER = 0.02;

test("the picture of the report is what a browser shows of the kept run", async () => {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_FLAGS });
  try {
    const { png, text } = await drawReport(await readKept(), browser);
    assert.is(`${text}\n`, readFileSync(join(ROOT, TEXT), "utf8"));
    const [own, kept] = [png, readFileSync(join(ROOT, REPORT))].map((bytes) => PNG.sync.read(Buffer.from(bytes)));
    assert.equal([own!.width, own!.height], [kept!.width, kept!.height]);
    const other = own!.data.reduce((sum, value, at) => sum + Number(Math.abs(value - kept!.data[at]!) > 64), 0);
    assert.ok(other < MOST_OTHER * own!.data.length, `${other} of ${own!.data.length} differ`);
  } finally {
    await browser.close();
  }
});

/** What a run says where pictures are exchanged. */
const ofPictures = ({ rules = [], circuits, headFunctions }: KeptRun) => ({
  // A thousand random sets of the best ones would take a minute.
  rules: rules
    .filter(({ modality }) => modality === "image")
    .map(({ random: _, random_sets: __, p_value: ___, ...one }) => one),
  circuits: circuits.filter(({ modality }) => modality === "image"),
  headFunctions: headFunctions.filter(({ layer, head }) => layer === 0 && head === 0),
});

/** Equal but for rounding. */
function same(found: unknown, kept: unknown, path = ""): void {
  if (typeof found === "number" && typeof kept === "number")
    assert.ok(Math.abs(found - kept) <= 1e-4 * Math.max(1, Math.abs(kept)), `${path}: ${found}, not ${kept}`);
  else if (typeof found === "object" && found !== null && typeof kept === "object" && kept !== null) {
    assert.equal(Object.keys(found), Object.keys(kept), path);
    for (const key of Object.keys(found))
      same(found[key as keyof typeof found], kept[key as keyof typeof kept], `${path}.${key}`);
  } else assert.is(found, kept, path);
}

test("where pictures are exchanged, the study says once more what is kept", async () => {
  const [found, kept] = [await study({ modalities: ["image"], headlineSets: 0 }), await readKept()].map(ofPictures);
  assert.ok(kept!.rules.length > 0 && kept!.circuits.length > 0 && kept!.headFunctions.length === 3);
  same(found, kept);
});

if (HAS_CHROMIUM) test.run();
else lacking("browser", NO_CHROMIUM);
