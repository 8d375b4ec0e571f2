import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openDataset } from "../../src/data/datasets.js";
import { CONTEXT, collect, folderOf } from "../support/prepare.js";
import { refused } from "../support/refused.js";

const folder = folderOf({
  "mine.CSV": 'image,question,answers\nangry/1.jpg,is it red or blue?,"red,blue"\n',
  "angry/1.jpg": "",
  "sad/1.jpg": "",
});

test("data sets by name and tables by path, as often as wanted", async () => {
  const open = openDataset("faces", folder);
  for (let i = 0; i < 2; i++) assert.is((await collect(open(CONTEXT))).samples.length, 2);
  const { samples } = await collect(openDataset(join(folder, "mine.CSV"))(CONTEXT));
  assert.equal(
    samples.map(({ id, dataset, answers }) => [id, dataset, answers]),
    [["1", "mine", ["red", "blue"]]],
  );
});

test("another name is refused with the nearest, a name alone too", async () => {
  await refused(() => openDataset("face", folder), "options", '"face"', "did you mean faces?");
  await refused(() => openDataset("mit-sates", folder), "options", "did you mean mit-states?");
  await refused(() => openDataset("constructor", folder), "options", "svo-probes, mit-states, faces");
  await refused(() => openDataset("svo-probes"), "options", "needs the folder");
});

test.run();
