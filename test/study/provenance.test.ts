import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { StudyRun } from "../../src/study/run.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { NARROW } from "../support/samples.js";

test("a model is named by 16 digits of the hash of its config and all its weights, in the order of their names", async () => {
  using run = await StudyRun.open(join(temporaryFolder(), "run"), { model: NARROW, dataset: ["own.csv"] });
  const hash = createHash("sha256");
  for (const name of ["config.json", "expected.safetensors", "model.safetensors", "scores.safetensors"])
    hash.update(`${name}\0`).update(readFileSync(join(NARROW, name)));
  assert.is(await run.modelHash(), hash.digest("hex").slice(0, 16));
});

test("paths are kept relative to the run where they lie in it", async () => {
  const folder = join(temporaryFolder(), "run");
  using run = await StudyRun.open(folder, { dataset: ["own.csv"] });
  assert.is(run.stored(join(folder, "scenes", "1.png")), join("scenes", "1.png"));
  assert.is(run.stored(join(folder, "..", "1.png")), join(folder, "..", "1.png"));
  assert.is(run.path(join("scenes", "1.png")), join(folder, "scenes", "1.png"));
  assert.is(run.path("/1.png"), "/1.png");
});

test("a row of provenance for each backend, not for each call", async () => {
  using run = await StudyRun.open(join(temporaryFolder(), "run"), { model: NARROW, dataset: ["own.csv"] });
  const ids: number[] = [];
  for (const backend of ["cpu", "wasm", "cpu", "wasm"] as const) ids.push(await run.provenance(backend));
  assert.equal(ids, [0, 1, 0, 1]);
  assert.is(await run.store.count("SELECT count(*) FROM provenance"), 2);
});

test.run();
