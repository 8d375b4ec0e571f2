import { test } from "uvu";
import * as assert from "uvu/assert";
import { encodePng, type Picture } from "../../src/pictures/picture.js";
import { decodePng } from "../../src/pictures/png.js";
import { drawOverlay } from "../../src/report/overlay.js";
import { refused } from "../support/refused.js";

const flat = (width: number, height: number, colour: number[]): Picture => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => colour[i % 3]!),
});

const pixel = ({ width, data }: Picture, x: number, y: number) => [...data.subarray(3 * (y * width + x)).slice(0, 3)];

test("red where negative, blue where positive, the picture in grey where zero", async () => {
  const drawn = drawOverlay(flat(64, 64, [255, 0, 0]), [
    [-2, 0],
    [0, 1],
  ]);
  assert.is(drawn.extent, 2);
  const picture = await decodePng(encodePng(drawn.picture), "overlay");
  assert.equal([picture.width, picture.height], [256, 256]);
  // Corners lie outside the cells' centres, where a cell's own value stands.
  assert.equal(pixel(picture, 0, 255), [76, 76, 76]); // 0.299 * 255
  assert.equal(
    pixel(picture, 0, 0),
    [178, 24, 43].map((end) => Math.round(0.15 * 76.245 + 0.85 * end)),
  );
  assert.equal(
    pixel(picture, 255, 255),
    [33, 102, 172].map((end) => Math.round(0.575 * 76.245 + 0.425 * end)),
  );
});

test("of a box of the picture, the rest of it stays grey", () => {
  const grid = [[1, -1]];
  const { picture } = drawOverlay(flat(40, 20, [0, 0, 0]), grid, { side: 40, box: [10, 0, 20, 20] });
  for (const x of [0, 9, 30, 39]) assert.equal(pixel(picture, x, 10), [0, 0, 0]);
  const ends = [33, 102, 172].map((end) => Math.round(0.85 * end));
  assert.equal(pixel(picture, 10, 0), ends);
  assert.equal(
    pixel(picture, 29, 19),
    [178, 24, 43].map((end) => Math.round(0.85 * end)),
  );
});

test("values change linearly between the centres of cells", () => {
  const { picture } = drawOverlay(flat(4, 4, [0, 0, 0]), [[0, 1]], { extent: 1, side: 400 });
  const blue = (x: number) => pixel(picture, x, 7)[2]!;
  for (const [x, share] of [
    [99, 0],
    [199.5, 0.5],
    [250, 0.7525],
    [300, 1],
  ] as const)
    assert.ok(Math.abs(blue(Math.round(x)) - 172 * 0.85 * share) <= 1.5, `${x}: ${blue(Math.round(x))}`);
});

test("a pixel stands for its middle", () => {
  const { picture } = drawOverlay(flat(4, 4, [0, 0, 0]), [[0, 1]], { extent: 1, side: 4 });
  // The cells' middles are at 1 and 3 of 4, the pixels' at 0.5, 1.5, 2.5 and 3.5.
  assert.equal(
    [0, 1, 2, 3].map((x) => pixel(picture, x, 2)[2]),
    [0, 0.25, 0.75, 1].map((share) => Math.round(172 * 0.85 * share)),
  );
});

test("proportions are kept, and a shared scale clips nothing but what is beyond it", () => {
  const wide = flat(30, 15, [9, 9, 9]);
  const { picture, extent } = drawOverlay(wide, [[3]], { extent: 6, side: 100 });
  assert.equal([picture.width, picture.height, extent], [100, 50, 6]);
  assert.equal(drawOverlay(wide, [[50]], { extent: 6 }).picture, drawOverlay(wide, [[6]], { extent: 6 }).picture);
});

test("a grid of zeros shows the picture", () => {
  const { picture, extent } = drawOverlay(flat(8, 8, [50, 50, 50]), [[0, 0]]);
  assert.is(extent, 0);
  assert.equal(pixel(picture, 128, 128), [50, 50, 50]);
});

test("refuses grids that are empty, ragged or not finite", async () => {
  for (const grid of [[], [[]], [[1, 2], [1]], [[Number.NaN]]])
    await refused(() => drawOverlay(flat(2, 2, [0, 0, 0]), grid), "options", "rows of equal length");
});

test.run();
