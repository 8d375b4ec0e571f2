import { test } from "uvu";
import * as assert from "uvu/assert";
import { countProducts, type Products, patchFlops, productFlops } from "../../bench/flops.js";
import { randomModel, randomPair, seeded } from "../../bench/random-model.js";
import type { Network } from "../../src/model/architecture.js";
import type { BlipConfig } from "../../src/model/blip-config.js";
import type { blipItm } from "../../src/model/blip-itm.js";
import { sweep } from "../../src/patching/sweep.js";
import { useBackend } from "../../src/platform/backend.js";
import { answersOf, networkPair, randomNetwork, smallConfig } from "../support/family.js";

const flops = (products: Products) => [...products].reduce((sum, [product, n]) => sum + n * productFlops(product), 0);

test("the formula counts what a patch more costs in matrix products", async () => {
  await useBackend();
  const random = seeded(1);
  const shape = { heads: 4, headDim: 3, visionLayers: 1, textLayers: 4, mlp: 20, grid: 2 };
  const model = await randomModel(shape, random);
  const tokens = 5;
  using pair = await randomPair(model, "image", tokens, random);
  for (let layer = 0; layer < shape.textLayers; layer++) {
    const count = async (...heads: number[]) =>
      flops(await countProducts(() => sweep(pair, { site: "text.cross.z", layers: [layer], heads })));
    // What the patches share cancels.
    const more = (await count(0, 1, 2, 3)) - (await count(0, 1, 2));
    assert.is(more, tokens * patchFlops(model, tokens, layer), `layer ${layer}`);
  }
});

test("it counts a matching model's, which has no decoder", async () => {
  const model = (await randomNetwork(smallConfig("BlipForImageTextRetrieval"), 1)) as Network<typeof blipItm> & {
    config: BlipConfig;
  };
  using pair = await networkPair(model, { ids: [3, 4, 5, 6], answers: answersOf(1, 0) });
  for (let layer = 0; layer < model.config.text.num_hidden_layers; layer++) {
    const count = async (...heads: number[]) =>
      flops(await countProducts(() => sweep(pair, { site: "text.cross.z", layers: [layer], heads })));
    assert.is((await count(0, 1)) - (await count(0)), 4 * patchFlops(model, 4, layer), `layer ${layer}`);
  }
});

test.run();
