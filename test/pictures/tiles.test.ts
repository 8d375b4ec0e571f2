import { test } from "uvu";
import * as assert from "uvu/assert";
import type { CheckpointFiles } from "../../src/base/source.js";
import { loadCropProcessor, loadTileProcessor } from "../../src/pictures/tiles.js";
import { refused } from "../support/refused.js";

/** A checkpoint of these files alone. */
const filesOf = (named: Readonly<Record<string, object>>): CheckpointFiles => ({
  name: "here",
  text: async (file) => (named[file] ? JSON.stringify(named[file]) : undefined),
  bytes: async () => undefined,
});

const KINDS = { tiles: loadTileProcessor, crops: loadCropProcessor } as const;

for (const [kind, load] of Object.entries(KINDS)) {
  test(`${kind}: numbers that make no pixels are refused`, async () => {
    for (const fault of [{ image_mean: 1e39 }, { rescale_factor: 1e39 }])
      await refused(() => load(filesOf({ "preprocessor_config.json": fault })), "checkpoint", "float32 cannot hold");
    for (const image_std of [0, [1, 1, 0], [1, 1]])
      await refused(() => load(filesOf({ "preprocessor_config.json": { image_std } })), "checkpoint", "image_std");
  });

  test(`${kind}: the file of transformers 4, or that of 5, or both where they say the same`, async () => {
    const own = { image_mean: [0.25, 0.5, 0.75] };
    const whole = { "processor_config.json": { image_processor: own } };
    for (const files of [{ "preprocessor_config.json": own }, whole, { "preprocessor_config.json": own, ...whole }])
      assert.equal((await load(filesOf(files))).image_mean, own.image_mean);
    const differing = { "preprocessor_config.json": {}, ...whole };
    await refused(() => load(filesOf(differing)), "checkpoint", "different image processors");
    await refused(() => load(filesOf({})), "checkpoint", "here has no preprocessor_config.json");
  });
}

test("what a file leaves out is what transformers 4.57.1's processors have", async () => {
  const bare = filesOf({ "preprocessor_config.json": {} });
  const tiles = await loadTileProcessor(bare);
  assert.equal([tiles.image_mean, tiles.image_std], [Array(3).fill(0.5), Array(3).fill(0.5)]);
  const crop = await loadCropProcessor(bare);
  assert.equal(crop.size, { height: 224, width: 224 });
  assert.equal([crop.shortestEdge, tiles.longestEdge, tiles.size.height], [224, 1456, 364]);
});

test.run();
