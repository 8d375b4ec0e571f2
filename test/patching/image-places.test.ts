import { test } from "uvu";
import * as assert from "uvu/assert";
import { imagePlaces, tokensInBox } from "../../src/patching/image-places.js";
import { loadBlip } from "../../src/patching/model.js";
import { refused } from "../support/refused.js";
import { NARROW } from "../support/samples.js";

test("each token sees its part of the original picture, and the parts are all of it", async () => {
  using blip = await loadBlip(NARROW); // 4 x 4 patches
  const places = imagePlaces(blip, { width: 40, height: 20 });
  assert.is(places.length, 16);
  assert.equal(places[0], { token: 1, row: 0, column: 0, box: [0, 0, 10, 5] });
  assert.equal(places[6], { token: 7, row: 1, column: 2, box: [20, 5, 10, 5] });
  for (const { token, box } of places) assert.equal(tokensInBox(places, box), [token]);
  assert.is(tokensInBox(places, [0, 0, 40, 20]).length, 16);
  assert.equal(tokensInBox(places, [5, 0, 20, 5]), [1, 2, 3], "half of one is enough");
});

test("a box that covers half of nothing is refused, and so is what is none", async () => {
  using blip = await loadBlip(NARROW);
  const places = imagePlaces(blip, { width: 40, height: 20 });
  await refused(() => tokensInBox(places, [0, 0, 3, 3]), "image", "0,0,3,3", "10.0 x 5.00");
  await refused(() => tokensInBox(places, [0, 0, Number.NaN, 3]), "image", "no box");
  await refused(() => tokensInBox(places, [0, 0, -4, 3]), "image", "no box");
});

test.run();
