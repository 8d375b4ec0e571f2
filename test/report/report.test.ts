import { createHash } from "node:crypto";
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PNG } from "pngjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { writeReport } from "../../src/report/report.js";
import type { ReportData } from "../../src/report/report-data.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { refused } from "../support/refused.js";
import { hostile, reportData } from "../support/report-data.js";

const test = suite("report");

/** The page without its programs and data, as text and as what a reader reads. */
async function written(data: ReportData) {
  const folder = join(temporaryFolder(), "new", "folder");
  const page = readFileSync(await writeReport(data, folder, { png: false }), "utf8");
  const markup = page.replace(/<script[^>]*>[\s\S]*?<\/script>/g, "").replace(/<style>[\s\S]*?<\/style>/, "");
  const scripts = [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)].map((script) => script[1]!);
  return { folder, page, markup, scripts, files: readdirSync(join(folder, "figures")) };
}

const data = reportData();
/** As many parts as have other strings in them. */
const few = {
  ...data,
  verified: data.verified.slice(0, 1),
  attribution: data.attribution.slice(0, 1),
  circuits: data.circuits.slice(0, 1),
  shared: data.shared.slice(0, 1),
  tokenMaps: data.tokenMaps.slice(0, 1),
  overlays: data.overlays.slice(0, 1),
};
const report = written(data);

test("says what was run, the accuracy, and how many samples each reason cost", async () => {
  const { markup } = await report;
  for (const text of [
    "<td>vlm-notice 0.2.0</td>",
    data.run.modelHash,
    "<td>2000</td>",
    "Of 450 questions the model answers 409 correctly, 91%\u00A0[88,\u00A093].",
    '<th scope="row">attributes</th><td>204</td><td>200</td><td>186</td><td>93.0%</td><td>80</td><td>80</td><td>5</td>',
    '<th scope="row">missing image</th><td>prepare</td><td>3</td><td>attributes.jsonl line 2: gone.png</td>',
    "faces: nothing was left out.",
    "faces has no masks",
  ])
    assert.ok(markup.includes(text), text);
});

test("the finding comes first, then evidence, then what is folded", async () => {
  const { markup } = await report;
  const order = [
    ...['<section id="finding"', "Where the picture is exchanged", "Patched: 180 samples", "Universal heads", "<nav"],
    ...['<h2 id="verified"', '<h2 id="attention"', '<h2 id="universal"', '<h2 id="left-out"'],
    ...['<section id="circuits"', '<section id="overlays"', '<section id="samples"', '<section id="run"'],
  ];
  const places = order.map((one) => markup.indexOf(one));
  assert.equal(
    places,
    [...places].sort((a, b) => a - b),
  );
  assert.ok(places[0]! > 0);
  const folded = /<details class="section"><summary><h2>All head maps<\/h2><\/summary>\s*<section id="circuits"/;
  assert.match(markup, folded);
});

test("a universal head has its role, what it does alone, its clearest picture and its counter-example", async () => {
  const { markup } = await report;
  const card = /<article class="card" aria-label="L2H1, text\.cross\.z">[\s\S]*?<\/article>/.exec(markup)![0];
  for (const text of [
    "Looks at the object (attributes and actions); looks away from outlier patches",
    "No mask says where the object is on faces.",
    "<dt>in circuits</dt><dd>7 of 7</dd>",
    "<dt>AUROC of the object, attributes</dt><dd>0.91 [0.88, 0.94]; noise [0.48, 0.52]</dd>",
    "<strong>clearest: L2H1 on attributes</strong>",
    "<strong>counter-example: L2H1 on attributes</strong>",
    "<strong>Effect 0.61</strong>: 61% of the answer comes back",
    "AUROC of the object here: 0.97.",
    "95% of all other heads of this site, −0.05 to 0.30: this head is above",
  ])
    assert.ok(card.includes(text), text);
  assert.match(card, /<dt>put back alone, faces<\/dt><dd>6\d% \[6\d, 6\d\]<\/dd>/);
});

test("says which heads are in which circuit, and which are in all", async () => {
  const { markup } = await report;
  const planted = data.circuits
    .find(({ site }) => site === "text.cross.z")!
    .circuit.heads.find(({ inCircuit }) => inCircuit)!;
  const found = `L2H1 (${planted.signedMean.toFixed(3)})`;
  assert.match(markup, new RegExp(`<td>93.0%</td><td>37 of 40</td><td>${found.replace(/[()]/g, "\\$&")}</td>`));
  assert.ok(
    markup.includes("L2H1 (text.cross.z) and L2H5 (text.self.z) are in all 7 circuits (3 data sets, 3 corruptions)."),
  );
  assert.ok(
    markup.includes(`aria-label="Map of 3 layers by 6 heads. attributes, SIP (image), text.cross.z, 37 samples.`),
  );
  assert.ok(markup.includes(`In the circuit: ${found}.`));
  assert.ok(markup.includes("<td>0 of 40</td><td>none</td>"));
  assert.ok(markup.includes("STR (text), text.cross.z: not patched."));
  assert.ok(markup.includes("Gaussian noise, text.self.z: no sample has a score, so there is no map."));
  assert.ok(markup.includes("<td>segmentation, outlier inhibition</td>"));
});

test("a head that is in most circuits is not called universal", async () => {
  const one = data.universality[0]!;
  const names = [...one.universality.names, "another"];
  const universality = { ...one.universality, names, overlap: names.map(() => names.map(() => 1)) };
  const { markup } = await written({ ...few, universality: [{ ...one, universality }] });
  assert.match(markup, /No head is in all 8 circuits \(1 data set, 1 corruption\); in 7: L2H1 \(text\.cross\.z\)/);
});

test("every figure has a file, a description, and a table beneath", async () => {
  const { markup, files } = await report;
  const maps = data.circuits.length - 2 + data.tokenMaps.length - 1 + 2; // two circuits and a map are empty; two of shares
  const plots = maps + data.verified.length + data.attribution.length;
  const pictures =
    data.overlays.reduce((sum, { heads }) => sum + heads.length + 1, 0) + 2 * data.shared[0]!.pictures.length;
  assert.equal(
    [".svg", ".png"].map((kind) => files.filter((file) => file.endsWith(kind)).length),
    [plots, pictures],
  );
  const mapped = markup.match(/<div class="mapped" role="group" aria-label="[^"]{60,}"/g) ?? [];
  const drawn =
    markup.match(/<div class="plot" data-figure="\d+" tabindex="0" role="img" aria-label="[^"]{60,}"/g) ?? [];
  assert.is(drawn.length, data.verified.length + data.attribution.length);
  assert.is(new Set(mapped).size, maps);
  assert.is(
    (markup.match(/<details><summary>Numbers/g) ?? []).length,
    drawn.length + mapped.length + data.overlays.length,
  );
  // Each overlay stands beside its picture.
  const shown = [...data.overlays, ...data.shared[0]!.pictures.map(({ sample }) => sample)].flatMap(
    ({ heads }) => heads,
  );
  const images = markup.match(/<img src="[^"]*" alt="[^"]{10,}" width="(?:64|128)" height="(?:64|128)"/g) ?? [];
  assert.is(images.length, 2 * shown.length);
});

test("the page is small, asks nobody for anything, and runs only its own scripts", async () => {
  const { page, markup, scripts } = await report;
  assert.ok(page.length < 3e6, `${page.length} bytes`);
  assert.not.match(markup, /\b(?:src|href)="(?!data:image\/(?:png|svg\+xml);base64,|#)/);
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)![1]!.replaceAll("&#39;", "'");
  assert.match(
    policy,
    /^default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; script-src /,
  );
  const hashes = scripts.map((script) => `'sha256-${createHash("sha256").update(script).digest("base64")}'`);
  assert.equal(policy.split("script-src ")[1]!.split(" "), hashes);
  assert.is(
    scripts.filter((script) => script.includes("University of Washington")).length,
    3,
    "licences of what is copied",
  );
});

test("every string of the data is only text", async () => {
  const { page, markup, scripts, files, folder } = await written(hostile(few));
  const harmless = await report;
  assert.is(scripts.length, harmless.scripts.length);
  const tags = markup.replace(/"[^"]*"/g, '""');
  assert.not.match(tags, /<img (?!(?:alt|src)="")|<script|<[^>]*\sonerror/i);
  assert.is(page.match(/<\/script/gi)!.length, harmless.page.match(/<\/script/gi)!.length);
  assert.ok(markup.includes("&lt;script&gt;pwned()&lt;/script&gt;"));
  for (const file of files) {
    assert.match(file, /^\d{3}-[a-z0-9-]{1,80}\.(svg|png)$/);
    if (file.endsWith(".svg"))
      assert.not.match(readFileSync(join(folder, "figures", file), "utf8"), /<script|<img|onerror=(?!&quot;|[^"]*")/i);
  }
});

test("a study of nothing is a report too", async () => {
  const none = {
    datasets: [],
    circuits: [],
    tokenMaps: [],
    universality: [],
    verified: [],
    attribution: [],
    headFunctions: [],
    overlays: [],
    shared: [],
    rules: [],
    headlines: [],
    notes: [],
  };
  const { markup, files } = await written({ ...data, ...none });
  assert.ok(markup.includes("Nothing was patched yet, so there is nothing to say of any head."));
  assert.ok(markup.includes("Of 0 questions the model answers 0 correctly."));
  assert.equal(files, []);
});

test("figures are PNGs too", async () => {
  const folder = temporaryFolder();
  await writeReport({ ...few, tokenMaps: [], overlays: [], shared: [], verified: [], attribution: [] }, folder);
  const files = readdirSync(join(folder, "figures"));
  assert.equal(
    files.map((file) => file.replace(/^\d+/, "")),
    [
      "-attributes-image-text-cross-z.png",
      "-attributes-image-text-cross-z.svg",
      "-share-text-cross-z.png",
      "-share-text-cross-z.svg",
    ],
  );
  assert.ok(PNG.sync.read(readFileSync(join(folder, "figures", files[0]!))).width > 400);
});

test("what is in figures/ and no figure of an earlier report stays", async () => {
  const folder = temporaryFolder();
  const drawn = { ...few, verified: [], attribution: [] };
  const figures = join(folder, "figures");
  const page = await writeReport(drawn, folder, { png: false });
  const earlier = readdirSync(figures);
  assert.ok(earlier.some((name) => name.endsWith(".svg")) && earlier.some((name) => name.endsWith(".png")));
  const mine = ["mine.png", "001-mine.svg", "002-mine.png"];
  for (const name of mine) writeFileSync(join(figures, name), "mine");
  await writeReport({ ...drawn, circuits: [], tokenMaps: [], overlays: [], shared: [] }, folder, { png: false });
  assert.equal(readdirSync(figures).sort(), [...mine].sort());

  writeFileSync(join(figures, earlier[0]!), "mine");
  await refused(() => writeReport(drawn, folder, { png: false }), "options", earlier[0]!, "did not write");
  assert.is(readFileSync(join(figures, earlier[0]!), "utf8"), "mine");
  writeFileSync(page, "mine");
  await refused(() => writeReport(drawn, folder, { png: false }), "options", page, "did not write");
});

test("a link in the place of figures/ is not followed", async () => {
  const [folder, elsewhere] = [temporaryFolder(), temporaryFolder()];
  symlinkSync(elsewhere, join(folder, "figures"));
  await refused(() => writeReport(few, folder, { png: false }), "options", "figures is a link");
  assert.equal(readdirSync(elsewhere), []);
});

test("refuses a folder that cannot be made, and numbers that are none", async () => {
  const file = join(temporaryFolder(), "file");
  writeFileSync(file, "");
  await refused(() => writeReport(data, file, { png: false }), "options", file);
  const overlay = { ...data.overlays[0]!, heads: [{ ...data.overlays[0]!.heads[0]!, overlay: [[Number.NaN]] }] };
  await refused(() => writeReport({ ...data, overlays: [overlay] }, file, { png: false }), "options", "finite");
});

test.run();
