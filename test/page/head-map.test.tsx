import { render } from "preact-render-to-string";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HeadMap } from "../../src/page/head-map.js";
import type { HeadMap as MapData } from "../../src/page/map.js";

const map: MapData = {
  values: [
    [0.5, -1, null],
    [0, 0.25, 1],
  ],
  title: "text.cross.z",
  legend: "effect",
  rows: { title: "layer" },
  columns: { title: "head" },
};

/** The first group of each match. */
const found = (text: string, pattern: RegExp) => Array.from(text.matchAll(pattern), ([, group]) => group);

test("every cell has its value, its place and its colour", () => {
  const page = render(<HeadMap map={map} />);
  assert.equal(found(page, /aria-label="(layer[^"]*)"/g), [
    "layer 0, head 0: 0.5, exactly 0.500",
    "layer 0, head 1: −1.0, exactly −1.00",
    "layer 0, head 2: no score",
    "layer 1, head 0: 0, exactly 0.00",
    "layer 1, head 1: 0.3, exactly 0.250",
    "layer 1, head 2: 1.0, exactly 1.00",
  ]);
  // RdBu's ends at the extent, its middle at 0, half-way between at a half; grey where there is no score.
  const cells = found(page, /role="gridcell".*?fill="(#\w+)"/g);
  assert.equal(cells, ["#8cafd2", "#b2182b", "#c4c4c4", "#f7f7f7", "#c2d3e4", "#2166ac"]);
  assert.is(found(page, /(role="row")/g).length, 2);
});

test("the selected cell, and no other, is in the tab order and says so", () => {
  const page = render(<HeadMap map={map} selected={[1, 2]} />);
  const [selected, ...more] = page.match(/<g role="gridcell"[^>]*aria-selected="true"[^>]*>/g)!;
  assert.is(more.length, 0);
  assert.match(selected!, 'tabindex="0"');
  assert.match(selected!, "layer 1, head 2");
  assert.is(found(page, /role="gridcell"[^>]*(tabindex="0")/g).length, 1);
});

test("what comes from a checkpoint is text, and nothing in the page is a style or a script", () => {
  const hostile = '"><script>alert(1)</script>\u0000';
  const page = render(
    <HeadMap
      map={{ ...map, title: hostile, columns: { title: hostile, labels: [hostile, "a", "b"] }, notes: [[hostile]] }}
    />,
  );
  assert.not.match(page, /<script|\p{Cc}| style=| on\w+=/u);
});

test("marked cells have a frame and a dot, and their meaning stands above", () => {
  const page = render(<HeadMap map={{ ...map, marks: { cells: [[0, 0]], meaning: "in the circuit" } }} />);
  assert.match(page, "● in the circuit");
  assert.is(found(page, /(<circle)/g).length, 1);
});

test("wide maps have small cells without numbers, and letters of 11 pixels as all have", () => {
  const wide = { ...map, values: [Array.from({ length: 16 }, (_, i) => i / 15)] };
  const page = render(<HeadMap map={wide} />);
  assert.equal(found(page, /role="gridcell".*?<\/rect><text[^>]*>([^<]*)</g).join(""), "");
  assert.ok(Number(/<svg[^>]* width="([\d.]+)"/.exec(page)![1]) < 380);
  assert.equal([...new Set(found(page, /font-size="(\d+)"/g))], ["11"]);
});

test.run();
