import { test } from "uvu";
import * as assert from "uvu/assert";
import { ruleTable } from "../../src/cli/rule-table.js";
import { headlines, type RuledCircuit } from "../../src/study/ruled.js";

const ONE: RuledCircuit = {
  ...{ dataset: "own", modality: "image", rule: "minimal", heads: ["text.cross.z:L0H1"], size: 1, of: 36 },
  ...{ found_on: 12, tested_on: 11, kept: 0.9123, kept_low: 0.85, kept_high: 0.97, removed: 0.1, no_head: 0.05 },
  ...{ random: 0.2, random_sets: 1000, p_value: 1 / 1001, cpr: 0.77, cmd: 0.23 },
};
const lastLine = (circuit: RuledCircuit) =>
  ruleTable({ rules: [circuit], headlines: headlines([circuit]) })
    .trim()
    .split("\n")
    .at(-1);

test("each circuit that keeps enough is told with its control, and with the smallest p that this can give", () => {
  assert.match(ruleTable({ rules: [ONE], headlines: [] }), /minimal {2,}1 of 36 +0\.91 +0\.85-0\.97 .* 1\/1001 /);
  const limit = "p = 1/1001, the smallest that 1000 random sets can give";
  assert.is(
    lastLine(ONE),
    `own, image: 1 of 36 heads keep 0.91 (minimal; random heads of the same layers keep 0.20, ${limit}): text.cross.z:L0H1`,
  );
  assert.match(lastLine({ ...ONE, p_value: 2 / 1001 })!, /keep 0\.20, p = 0\.002\): /);
});

test("where none keeps enough the best is told, and not as if it did", () => {
  const said = lastLine({ ...ONE, kept: 0.84996, random_sets: 20, p_value: 0.2 });
  assert.match(
    said!,
    /no rule finds fewer than half of the 36 heads that keep 0\.85; the best: 1 of 36 heads keep 0\.8499/,
  );
  assert.match(
    lastLine({ ...ONE, size: 0, heads: [], kept: 0.05, p_value: null })!,
    /the best: 0 of 36 .*\(minimal\): none$/,
  );
});

test.run();
