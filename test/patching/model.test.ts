import { createHash } from "node:crypto";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readFloats, readSafetensors } from "../../src/checkpoint/safetensors.js";
import { checkpointFolder } from "../../src/files/folder.js";
import { readPicture } from "../../src/files/picture.js";
import { loadBlip } from "../../src/patching/load-model.js";
import { resize } from "../../src/pictures/resize.js";
import { difference, FIXTURES, readJson } from "../support/fixture.js";

interface Photographs {
  questions: Record<string, { text: string; ids: number[]; tokens: string[] }>;
  photographs: Record<string, { decoded: Digest; resized384: Digest }>;
}

interface Digest {
  shape: [number, number, number];
  sha256: string;
}

const FOLDER = join(FIXTURES, "photographs");
const { questions, photographs } = readJson<Photographs>(join(FOLDER, "expected.json"));
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

async function expectedTensor(name: string): Promise<tf.Tensor> {
  const entries = await readSafetensors((await checkpointFolder(FOLDER).bytes("expected.safetensors"))!);
  const entry = entries.get(name)!;
  return tf.tensor(await readFloats(entry), [...entry.shape]);
}

for (const [name, { decoded, resized384 }] of Object.entries(photographs))
  test(`${name}.jpg: pixels equal Pillow's, decoded and resized`, async () => {
    const picture = await readPicture(join(FOLDER, `${name}.jpg`));
    assert.equal([picture.height, picture.width, 3], decoded.shape);
    assert.is(sha256(picture.data), decoded.sha256);
    assert.is(sha256(resize(picture, 384, 384).data), resized384.sha256);
  });

for (const checkpoint of ["narrow", "wide"])
  test(`${checkpoint}: pixels, ids and logits of photographs equal Hugging Face's`, async () => {
    using blip = await loadBlip(join(FIXTURES, checkpoint));
    const { text, ids, tokens } = questions[checkpoint]!;
    assert.equal({ ids: blip.question(text).ids, tokens: blip.question(text).tokens }, { ids, tokens });
    for (const name of Object.keys(photographs)) {
      const image = join(FOLDER, `${name}.jpg`);
      const pixels = tf.transpose(tf.squeeze(await blip.pixels(image), [0]), [2, 0, 1]);
      const off = difference(pixels, await expectedTensor(`${name}/${checkpoint}/pixel_values`));
      assert.ok(off <= 1e-6, `${name}: pixels are off by ${off}`);
      using run = await blip.run({ image, question: text });
      const logits = await expectedTensor(`${name}/${checkpoint}/logits`);
      assert.ok(difference(tf.squeeze(run.logits), logits) <= 1e-4, `${name}: logits`);
    }
  });

test.run();
