import { test } from "uvu";
import * as assert from "uvu/assert";
import { encodeGreyJpeg, encodeJpeg } from "../../src/data/scenes/jpeg.js";
import { decodePicture } from "../../src/pictures/decode.js";

/** One colour above, another below. */
function halves(side: number, above: readonly number[], below: readonly number[]) {
  const data = new Uint8Array(side * side * 3);
  for (let at = 0; at < data.length; at++) data[at] = (at < data.length / 2 ? above : below)[at % 3]!;
  return { width: side, height: side, data };
}

const RED = [200, 100, 40];
const BLUE = [20, 60, 250];

test("a JPEG has the picture's colours", async () => {
  const decoded = await decodePicture(await encodeJpeg(halves(64, RED, BLUE)), "scene");
  assert.equal([decoded.width, decoded.height], [64, 64]);
  const colours = [...RED, ...BLUE];
  for (const [i, at] of [0, 1, 2, 64 * 64 * 3 - 3, 64 * 64 * 3 - 2, 64 * 64 * 3 - 1].entries())
    assert.ok(Math.abs(decoded.data[at]! - colours[i]!) <= 3, `${at}: ${decoded.data[at]} for ${colours[i]}`);
});

test("a grey one has Rec. 601's grey of them, in the side asked for", async () => {
  const decoded = await decodePicture(await encodeGreyJpeg(halves(64, RED, BLUE), 48), "face");
  assert.equal([decoded.width, decoded.height], [48, 48]);
  // 0.299 x 200 + 0.587 x 100 + 0.114 x 40, and 0.299 x 20 + 0.587 x 60 + 0.114 x 250.
  for (const [row, grey] of [
    [8, 123.06],
    [40, 69.7],
  ] as const)
    for (let at = 48 * 3 * row; at < 48 * 3 * (row + 1); at++)
      assert.ok(Math.abs(decoded.data[at]! - grey) <= 2, `${at}: ${decoded.data[at]} for ${grey}`);
});

test.run();
