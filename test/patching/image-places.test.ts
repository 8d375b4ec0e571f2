import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { imagePlaces, tileOf, tokensInBox } from "../../src/patching/image-places.js";
import { loadBlip } from "../../src/patching/load-model.js";
import type { Model } from "../../src/patching/model.js";
import type { Box, Picture, Size } from "../../src/pictures/picture.js";
import { Decoder } from "../support/decoders.js";
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

/** White in a box, black elsewhere. */
function maskOf({ width, height }: Size, [x, y, wide, tall]: Box): Picture {
  const inside = (at: number) => {
    const [column, row] = [at % width, Math.floor(at / width)];
    return column >= x && column < x + wide && row >= y && row < y + tall;
  };
  return {
    width,
    height,
    data: Uint8Array.from({ length: 3 * width * height }, (_, i) => (inside(Math.floor(i / 3)) ? 255 : 0)),
  };
}

/** The image token of a tile in which most changes with a part of the picture, by the pixels that the model gets. */
async function seeing(model: Model, size: Size, box: Box, tile: number): Promise<number> {
  const { side, before, count } = tileOf(model);
  const [dark, lit] = [await model.pixels(maskOf(size, [0, 0, 0, 0])), await model.pixels(maskOf(size, box))];
  const most = tf.tidy(() => {
    const changed = tf.gather(tf.mean(tf.abs(tf.sub(dark, lit)), -1), tile);
    const patch = changed.shape[0]! / side;
    return tf.argMax(tf.reshape(tf.mean(tf.reshape(changed, [side, patch, side, patch]), [1, 3]), [-1])).dataSync()[0]!;
  });
  tf.dispose([dark, lit]);
  return tile * count + before + most;
}

for (const name of ["idefics3", "llava"])
  test(`${name}: a patch's box is what the model's own pixels show there`, async () => {
    const { model } = await Decoder.load(name);
    const { side } = tileOf(model);
    const scale = model.architecture.intake.image(model.config as never).side;
    // Wider than high: cut into tiles, or at both ends.
    const size = { width: 4 * scale, height: 2 * scale };
    const places = imagePlaces(model, size);
    const tiles = 1 + Math.max(...places.map(({ tile = 0 }) => tile));
    assert.is(places.length, tiles * side ** 2);
    for (const { token, box, tile } of [places[1]!, places[side]!, places.at(-1)!]) {
      assert.is(await seeing(model, size, box, tile ?? 0), token, `tile ${tile}, ${box}`);
      assert.equal(await model.tokensUnder(maskOf(size, box)), await model.tokensIn(box, maskOf(size, box)));
    }
  });

for (const [name, merged] of [
  ["idefics3", 2], // of 2 x 2 patches each
  ["llava", 1],
] as const)
  test(`${name}: among the words a token sees what its patches see; another picture's question is refused`, async () => {
    const { model, expected } = await Decoder.load(name);
    using _ = model;
    const scale = model.architecture.intake.image(model.config as never).side;
    const size = { width: 4 * scale, height: 2 * scale };
    const image = maskOf(size, [0, 0, 9, 9]);
    const { question } = expected.questions.clean;
    const answers = Object.keys(expected.answers).slice(0, 2) as [string, string];
    using pair = await model.pair({ image, corruptImage: maskOf(size, [9, 9, 9, 9]), question, answers });
    const among = imagePlaces(model, size, pair.question);
    assert.equal(
      among.map(({ token }) => token),
      pair.question.image,
    );
    const patches = imagePlaces(model, size);
    for (const { token, box, tile } of among) {
      assert.is(pair.question.tokens[token], "<image>");
      assert.is(
        tokensInBox(
          patches.filter((patch) => patch.tile === tile),
          box,
        ).length,
        merged ** 2,
      );
      assert.ok((await model.tokensIn(box, image, pair.question)).includes(token));
      assert.equal(
        await model.tokensUnder(maskOf(size, box), pair.question),
        await model.tokensIn(box, image, pair.question),
      );
    }
    const other = () => imagePlaces(model, { width: scale * 3, height: scale }, { image: [0, 1, 2, 3, 4, 5, 6] });
    await refused(other, "image", "in other tiles than one of");
  });

test.run();
