import { test } from "uvu";
import * as assert from "uvu/assert";
import { functionTable } from "../../src/cli/function-table.js";

const ONE = {
  ...{ dataset: "own", layer: 0, head: 3, objectSamples: 12, objectMass: 0.4, objectUniform: 0.2, auroc: 0.72 },
  ...{ outlierSamples: 0, outlierMass: null, outlierUniform: null, outlierExcess: null },
  aurocWithin: [0.61, 0.83],
} as const;

test("a role stands beside what noise gives, and is none within that", () => {
  const above = functionTable([{ ...ONE, noise: [0.41, 0.59] }]);
  assert.match(above, /own +L0H3 +12 +0\.72 +0\.61 to 0\.83 +0\.41 to 0\.59 +0 +- +- +segmentation\n/);
  assert.match(functionTable([{ ...ONE, noise: [0.2, 0.8] }]), /0\.20 to 0\.80 .* none of the three\n/);
  assert.match(functionTable([{ ...ONE, aurocWithin: null, noise: null }]), /0\.72 +- +- +0 /);
  assert.is(functionTable([]), "No head of a circuit looks at the picture.\n");
});

test.run();
