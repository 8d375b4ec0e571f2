import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";

const MOST_BYTES = { "scenes-itm": 5e6, "scenes-caption": 5e6, "scenes-lm": 8e6 };

for (const [name, most] of Object.entries(MOST_BYTES))
  test(`${name}: every file is the one whose sha256 is listed, and the weights stay small`, async () => {
    const folder = join("weights", name);
    const sums = (await readFile(join(folder, "SHA256SUMS"), "utf8")).trimEnd().split("\n");
    const card = await readFile(join(folder, "README.md"), "utf8");
    for (const line of sums) {
      const [sum, file] = line.split("  ") as [string, string];
      const bytes = await readFile(join(folder, file));
      assert.is(createHash("sha256").update(bytes).digest("hex"), sum, file);
      assert.ok(card.includes(line), `the model card lacks ${line}`);
    }
    const listed = sums.map((line) => line.split("  ")[1]!);
    assert.equal([...listed, "README.md", "SHA256SUMS"].sort(), (await readdir(folder)).sort());
    assert.ok((await stat(join(folder, "model.safetensors"))).size <= most);
  });

test.run();
