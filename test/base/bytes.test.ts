import { test } from "uvu";
import * as assert from "uvu/assert";
import { inUnitOf } from "../../src/base/bytes.js";

test("sizes are said in the unit in which a limit was given", () => {
  for (const [limit, size, ...said] of [
    [500e6, 1.5e9, "500 MB", "1500 MB"],
    [3e9, 0.123456e9, "3 GB", "0.123 GB"],
    [2.5e9, 1e6, "2.5 GB", "0.001 GB"],
    [1920e6, 1.54e9, "1920 MB", "1540 MB"],
    [60 * 2 ** 20, 2 ** 19, "60 MiB", "0.5 MiB"],
    [4 * 2 ** 30, 2 ** 29, "4 GiB", "0.5 GiB"],
    [1_923_456_789, 1.54e9, "1.92 GB", "1.54 GB"], // found, not given
    [0.0152e9, 1e6, "0.0152 GB", "0.001 GB"],
    [1000, 123.4e6, "1.00 kB", "123 MB"],
  ] as const)
    assert.equal([limit, size].map(inUnitOf(limit)), said);
});

test.run();
