import { test } from "uvu";
import * as assert from "uvu/assert";
import { rules } from "../../src/report/rules-section.js";
import { headlines, type RuledCircuit } from "../../src/study/ruled.js";
import { reportData } from "../support/report-data.js";

const ONE: RuledCircuit = {
  ...{ dataset: "<own>", modality: "image", rule: "minimal", heads: ["text.cross.z:L0H1"], size: 1, of: 36 },
  ...{ found_on: 12, tested_on: 11, kept: 0.9123, kept_low: 0.85, kept_high: 0.97, removed: 0.1, no_head: 0.05 },
  ...{ random: 0.2, random_sets: 20, p_value: 1 / 21, cpr: 0.77, cmd: 0.23 },
};

const dataOf = (circuits: readonly RuledCircuit[]) => ({
  ...reportData(),
  rules: circuits,
  headlines: headlines(circuits),
});

test("a table for each data set and corruption, a row for each rule", () => {
  const { markup } = rules(
    dataOf([ONE, { ...ONE, rule: "paper", heads: [], size: 0, p_value: null, random: null, cpr: null }]),
  );
  assert.ok(markup.includes("found on 12 pairs, tested on 11 others, of 36 heads. Without any head 0.050 is kept."));
  assert.ok(
    markup.includes(
      '<th scope="row">minimal</th><td>1</td><td>0.912</td><td>0.850 to 0.970</td><td>0.100</td><td>0.200</td><td>1/21</td><td>0.770</td><td>0.230</td><td>text.cross.z: L0H1</td>',
    ),
    markup,
  );
  assert.match(markup, /<th scope="row">paper<\/th>.*<td>no head<\/td><td>no head matters<\/td>.*<td>none<\/td>/);
  assert.match(markup, /<th scope="row">&lt;own>, SIP \(image\)<\/th><td>paper<\/td><td>0\.050<\/td><td>0<\/td>/);
  const around = rules(dataOf([{ ...ONE, no_head: 0.99 }])).markup;
  assert.match(around, /SIP \(image\)<\/th><td>none is needed<\/td><td>0\.990<\/td>/);
  assert.is(rules({ ...reportData(), rules: [] }).markup, "");
});

test.run();
