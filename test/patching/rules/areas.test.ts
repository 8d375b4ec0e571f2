import { test } from "uvu";
import * as assert from "uvu/assert";
import { mibAreas, mibSizes } from "../../../src/patching/rules/areas.js";

const SHARES = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1];
const near = (found: number, expected: number) => assert.ok(Math.abs(found - expected) < 1e-12, `${found}`);

test("sizes are whole heads, rounded down", () => {
  assert.equal(mibSizes(36), [0, 0, 0, 0, 0, 1, 3, 7, 18, 36]);
  assert.equal(mibSizes(144), [0, 0, 0, 1, 2, 7, 14, 28, 72, 144]);
});

test("what grows with the share has the areas of a triangle from 0.001 on", () => {
  const { cpr, cmd } = mibAreas(SHARES, 0)!;
  near(cpr, (1 - 1e-6) / 2);
  near(cmd, 0.999 - (1 - 1e-6) / 2);
});

test("faithfulness is between no head and all; overshooting adds to both areas", () => {
  const half = mibAreas(
    SHARES.map((share) => 0.4 + 0.6 * share),
    0.4,
  )!;
  near(half.cpr, (1 - 1e-6) / 2);
  const over = mibAreas([...SHARES.slice(0, 9).map(() => 1.5), 1], 0)!;
  near(over.cpr, 0.499 * 1.5 + 0.5 * 1.25);
  near(over.cmd, 0.499 * 0.5 + 0.5 * 0.25);
});

test("where no head makes a difference there are no areas", () => {
  assert.is(
    mibAreas(
      SHARES.map(() => 1),
      1,
    ),
    null,
  );
});

test.run();
