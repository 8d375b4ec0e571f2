import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { writeRandomCheckpoint } from "../../bench/base-checkpoint.js";
import type { MemoryFigures } from "../../bench/memory-ours.js";
import { useBackend } from "../../src/platform/backend.js";
import { temporaryFolder } from "../support/checkpoint.js";

const SCRIPT = fileURLToPath(new URL("../../bench/memory-ours.js", import.meta.url));

/** What the patches may take beside the model and its passes. */
const LEFT = 130e6;
/** The system's count of a process varies by as much. */
const NOISE = 32e6;

/** Weights of 125 MB, so that a second copy of them shows; a patch of a vision site takes 25 MB. */
async function checkpoint(): Promise<string> {
  const folder = temporaryFolder();
  const tower = { hidden_size: 256, num_attention_heads: 8, intermediate_size: 1024 };
  await writeRandomCheckpoint(folder, {
    model_type: "blip",
    vision_config: { ...tower, num_hidden_layers: 4, image_size: 224 },
    text_config: { ...tower, encoder_hidden_size: 256, vocab_size: 3000, bos_token_id: 2999 },
  });
  return folder;
}

test("a process stays inside its budget, by the system's count", async () => {
  const options = ["--backend", await useBackend(), "--site", "vision.self.z", "--left", String(LEFT)];
  const args = [SCRIPT, await checkpoint(), ...options];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const { budget, passes, sweep, batches } = JSON.parse(stdout) as MemoryFigures;
  assert.ok(batches > 1, "the budget did not divide the sweep");
  assert.ok(passes <= budget - LEFT + NOISE, `the passes took ${passes} of ${budget - LEFT} bytes`);
  assert.ok(sweep <= budget, `the sweep took ${sweep} of ${budget} bytes`);
  assert.ok(sweep >= budget / 3, `${sweep} bytes are no measure of ${budget}`);
});

test.run();
