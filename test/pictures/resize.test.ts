import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { resize } from "../../src/pictures/resize.js";
import { noise } from "../model/noise.js";

const { resized } = JSON.parse(readFileSync("test/fixtures/pixels/expected.json", "utf8")) as {
  resized: [width: number, height: number, newWidth: number, newHeight: number, sum: string][];
};

test("every byte is Pillow's", () => {
  assert.ok(resized.length >= 20);
  for (const [width, height, newWidth, newHeight, sum] of resized) {
    const picture = resize(noise(width, height), newWidth, newHeight);
    assert.equal([picture.width, picture.height], [newWidth, newHeight]);
    const found = createHash("sha256").update(picture.data).digest("hex");
    assert.is(found, sum, `${width} x ${height} to ${newWidth} x ${newHeight}`);
  }
});

test("one colour stays that colour", () => {
  const grey = { width: 13, height: 7, data: new Uint8Array(13 * 7 * 3).fill(201) };
  for (const [width, height] of [
    [1, 1],
    [5, 90],
    [200, 3],
  ] as const)
    assert.ok(resize(grey, width, height).data.every((value) => value === 201));
});

test("sizes that are none are refused", () => {
  for (const side of [0, -1, 1.5, Number.NaN, 1e9])
    assert.throws(() => resize(noise(4, 4), side, 4), /each side must be in 1\.\.16384/);
  assert.throws(() => resize({ width: 4, height: 4, data: new Uint8Array(64) }, 2, 2), /64 bytes/);
});

test.run();
