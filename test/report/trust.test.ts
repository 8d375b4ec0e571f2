import { test } from "uvu";
import * as assert from "uvu/assert";
import { FigureBook } from "../../src/report/figure-book.js";
import { attribution, heldUp } from "../../src/report/trust-sections.js";
import { reportData } from "../support/report-data.js";

const data = reportData();

/** What a plot shows of each kind of mark, by the values that stand in its SVG. */
async function drawn(section: typeof heldUp | typeof attribution) {
  const book = new FigureBook();
  const { content } = await section(data, book);
  const svgs = [...book.files].map(([, svg]) => `${svg}`);
  const points = (svg: string, group: number) =>
    (svg.split(/class="mark-symbol role-mark layer_\d+_marks"/)[group]?.match(/<path /g) ?? []).length;
  return { markup: content.markup, svgs, points };
}

test("circuits on other samples: figures, and the numbers in words", async () => {
  const { markup, svgs, points } = await drawn(heldUp);
  const one = data.verified[0]!;
  assert.is(svgs.length, data.verified.length);
  assert.ok(points(svgs[0]!, 1) >= one.randomSets.length);
  assert.ok(points(svgs[0]!, 2) >= one.sizes.length);
  assert.ok(points(svgs[0]!, 3) >= 1);
  for (const text of [
    `<th scope="row">${one.dataset}, SIP (image)</th><td>text.cross.z: L2H1; text.self.z: L2H5</td><td>20, 19</td>` +
      "<td>0.412</td><td>0.301</td><td>0.023</td><td>0.058</td><td>0.200</td><td>27 of 36</td><td>0.723</td><td>0.277</td>",
    "The circuit of 2 heads keeps 0.412, random sets 0.058; from 27 heads on at least 0.85 is kept.",
    '<th scope="row">18</th><td>0.830</td>',
  ])
    assert.ok(markup.includes(text), text);
});

test("attribution beside exact patching: points, correlations, worst misses", async () => {
  const { markup, svgs, points } = await drawn(attribution);
  const one = data.attribution[0]!;
  assert.is(svgs.length, data.attribution.length);
  assert.ok(points(svgs[0]!, 1) >= one.places.length);
  assert.ok(points(svgs[0]!, 2) >= one.misses.length);
  assert.ok(markup.includes(`${one.dataset}, SIP (image), text.cross.z</th><td>6480</td><td>0.871</td><td>0.962</td>`));
  assert.ok(markup.includes(`text.resid_post</th><td>1080</td><td>0.913</td><td>too few means</td>`));
  assert.match(markup, /Trust attribution[^.]*0\.9/);
  const [worst] = one.misses;
  assert.ok(
    markup.includes(`<th scope="row">layer 0 at 0 ([CLS])</th><td>text.resid_post</td><td>${worst!.sample}</td>`),
  );
});

test("what is kept by rank, by the circuit and by chance is told apart by colour and by shape", async () => {
  const book = new FigureBook();
  await heldUp(data, book);
  const ranges = [...JSON.stringify(book.specs[0]).matchAll(/"domain":\["largest[^\]]*\],"range":\[(.*?)\]/g)];
  assert.ok(ranges.length >= 2);
  for (const [, range] of ranges) assert.is(new Set(range!.split(",")).size, 3, range);
});

test("a run without either says so", async () => {
  const none = { ...data, verified: [], attribution: [] };
  const book = new FigureBook();
  assert.match((await heldUp(none, book)).content.markup, /No circuit was tested/);
  assert.match((await attribution(none, book)).content.markup, /Attribution was not asked for/);
});

test.run();
