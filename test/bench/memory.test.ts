import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { writeRandomCheckpoint } from "../../bench/base-checkpoint.js";
import type { MemoryFigures } from "../../bench/memory-ours.js";
import { useBackend } from "../../src/backend.js";
import { temporaryFolder } from "../support/checkpoint.js";

const SCRIPT = fileURLToPath(new URL("../../bench/memory-ours.ts", import.meta.url));

/** 26 MB of weights; one patch of a vision site takes 12 MB. */
async function checkpoint(): Promise<string> {
  const folder = temporaryFolder();
  const tower = { hidden_size: 192, num_attention_heads: 6, intermediate_size: 768 };
  await writeRandomCheckpoint(folder, {
    model_type: "blip",
    vision_config: { ...tower, num_hidden_layers: 2, image_size: 224 },
    text_config: { ...tower, num_hidden_layers: 3, encoder_hidden_size: 192, vocab_size: 3000, bos_token_id: 2999 },
  });
  return folder;
}

test("a process stays inside its budget, by the system's count", async () => {
  const folder = await checkpoint();
  const backend = await useBackend();
  for (const [site, left] of [
    ["vision.self.z", 36e6],
    ["text.cross.z", 12e6],
  ] as const) {
    const options = ["--backend", backend, "--site", site, "--left", String(left)];
    const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", SCRIPT, folder, ...options]);
    const { budget, sweep, batches } = JSON.parse(stdout) as MemoryFigures;
    assert.ok(batches > 1, `${site}: the budget did not divide the sweep`);
    assert.ok(sweep <= budget, `${site} took ${sweep} of ${budget} bytes`);
    assert.ok(sweep >= budget / 3, `${site}: ${sweep} bytes are no measure of ${budget}`);
  }
});

test.run();
