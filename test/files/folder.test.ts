import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { checkpointFolder } from "../../src/files/folder.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { refused } from "../support/refused.js";

test("texts and bytes of a folder; what is not there is undefined", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "vocab.txt"), "[PAD]\n");
  writeFileSync(join(folder, "weights"), Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7]));
  const files = checkpointFolder(folder);
  assert.is(files.name, folder);
  assert.is(await files.text("vocab.txt"), "[PAD]\n");
  assert.is(await files.text("config.json"), undefined);
  assert.is(await files.bytes("model.safetensors"), undefined);
  const source = (await files.bytes("weights"))!;
  assert.equal([source.name, source.size], [join(folder, "weights"), 8]);
  assert.equal([...(await source.read(2, 5))], [2, 3, 4]);
  assert.equal([...(await source.read(0, 8))], [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.equal([...(await source.read(6, 20))], [6, 7], "a file that has become shorter");
  assert.is((await source.read(3, 4)).byteOffset, 0, "memory of its own");
});

test("a folder in the place of a file is refused", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "config.json"));
  await refused(() => checkpointFolder(folder).text("config.json"), "checkpoint", join(folder, "config.json"));
  await refused(() => checkpointFolder(folder).bytes("config.json"), "checkpoint", join(folder, "config.json"));
});

test("a text of 64 MiB is read, and none larger", async () => {
  const folder = temporaryFolder();
  const of = (name: string, bytes: number) => {
    const file = openSync(join(folder, name), "w");
    ftruncateSync(file, bytes);
    closeSync(file);
  };
  of("most", 2 ** 26);
  of("more", 2 ** 26 + 1);
  assert.is((await checkpointFolder(folder).text("most"))!.length, 2 ** 26);
  await refused(() => checkpointFolder(folder).text("more"), "checkpoint", "at most 67.1 MB are read");
});

test.run();
