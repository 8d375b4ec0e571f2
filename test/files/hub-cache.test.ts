import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { missingFiles, parseModelId, shardNames } from "../../src/files/hub-cache.js";
import { temporaryFolder } from "../support/checkpoint.js";

const index = (weight_map: unknown) => JSON.stringify({ weight_map });

test("an index names shards beside it, at least one", () => {
  assert.equal(shardNames(index({ a: "x-1.safetensors", b: "x-2.safetensors", c: "x-1.safetensors" })), [
    "x-1.safetensors",
    "x-2.safetensors",
  ]);
  assert.equal(shardNames(index({ a: "x.safetensors" })), ["x.safetensors"]);
  for (const wrong of [{}, { a: "../x.safetensors" }, { a: "x.bin" }, { a: "x.safetensors", b: 1 }, null, "x"])
    assert.is(shardNames(index(wrong)), undefined, JSON.stringify(wrong));
  for (const text of ["null", "{", "{}", "[]", ""]) assert.is(shardNames(text), undefined, text);
});

test("what a snapshot lacks of a whole checkpoint", async () => {
  const folder = temporaryFolder();
  const put = (name: string, content = "{}") => writeFileSync(join(folder, name), content);
  const small = ["config.json", "preprocessor_config.json"];
  assert.equal(await missingFiles(folder), [...small, "tokenizer.json", "model.safetensors"]);
  for (const name of small) put(name);
  put("vocab.txt");
  assert.equal(await missingFiles(folder), ["model.safetensors"]);
  put("model.safetensors.index.json", index({}));
  assert.equal(await missingFiles(folder), ["model.safetensors.index.json"]);
  put("model.safetensors.index.json", index({ a: "x-1.safetensors", b: "x-2.safetensors" }));
  put("x-1.safetensors");
  assert.equal(await missingFiles(folder), ["x-2.safetensors"]);
  put("x-2.safetensors");
  assert.equal(await missingFiles(folder), []);
  renameSync(join(folder, small[1]!), join(folder, "processor_config.json"));
  assert.equal(await missingFiles(folder), []);
});

test("names of models, as long as a hub's", () => {
  assert.equal(parseModelId("owner/name"), { name: "owner/name", revision: "main" });
  assert.equal(parseModelId("owner/name@refs/pr/3"), { name: "owner/name", revision: "refs/pr/3" });
  const [longest, revision] = [`${"a".repeat(96)}/${"b".repeat(96)}`, "c".repeat(200)];
  assert.equal(parseModelId(`${longest}@${revision}`), { name: longest, revision });
  for (const wrong of [
    `a${longest}`,
    `${longest}b`,
    `${longest}@${revision}c`,
    "owner",
    "owner/name@",
    "owner/na--me",
    "owner/na..me",
    "owner/name@a..b",
    "owner/name@/a",
    "../name",
    "a/b/c",
  ])
    assert.is(parseModelId(wrong), undefined, wrong);
});

test.run();
