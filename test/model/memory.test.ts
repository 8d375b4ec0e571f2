import { test } from "uvu";
import * as assert from "uvu/assert";
import { readConfig } from "../../src/model/architectures.js";
import { modelBytes, requireMemory, WASM_HEAP_BYTES } from "../../src/model/memory.js";
import { SMOLVLM_256M } from "../support/hub-shapes.js";
import { refused } from "../support/refused.js";

const config = (vision_config: object, text_config: object = {}) =>
  readConfig(
    JSON.stringify({ model_type: "blip", vision_config, text_config: { num_attention_heads: 12, ...text_config } }),
    "config.json",
    () => {},
  );

/** Salesforce/blip-vqa-base: transformers counts 384,672,572 parameters; 577 image tokens. */
const BASE = config({});
const WEIGHTS = 4 * 384_672_572;
// The vocabulary's 30,524 x 768 = 23,442,432 numbers twice are more than one layer's 577 x (8 x 768 + 6 x 3072) + 8 x
// 12 x 577 x 577 = 46,141,536; the streams of two passes have 2 x 577 x 768 x (12 + 1 + 2 x 12) = 32,792,064; and 64
// MiB for the process.
const LARGEST = 4 * 23_442_432;
const WORKING = 4 * (46_884_864 + 32_792_064) + 67_108_864;

test("what BLIP's base model takes, by hand", () => {
  for (const backend of ["cpu", "wasm"] as const)
    assert.equal(modelBytes(BASE, backend), { weights: WEIGHTS, working: WORKING, resident: WEIGHTS });
  for (const backend of ["node", "node-gpu"] as const)
    assert.equal(modelBytes(BASE, backend), {
      ...{ weights: WEIGHTS, working: WORKING + 2 * LARGEST, resident: WEIGHTS },
    });
});

test("on wasm with threads XNNPACK keeps a copy of every matrix", () => {
  const page = globalThis as { crossOriginIsolated?: boolean };
  page.crossOriginIsolated = true;
  try {
    assert.is(modelBytes(BASE, "wasm").resident, 2 * WEIGHTS);
    assert.is(modelBytes(BASE, "cpu").resident, WEIGHTS);
  } finally {
    delete page.crossOriginIsolated;
  }
});

test("matrices in 16 bits take half, outside the backend; one of them is widened at a time", () => {
  // Biases, norms, [CLS], positions and patches of the picture are none.
  const [width, mlp] = [768, 3072];
  const vit = 12 * (3 * width + width + mlp + width + 4 * width) + (1 + 577 + 3 * 16 * 16 + 1 + 2) * width;
  const bert = 12 * (2 * (4 + 2) * width + mlp + width + 2 * width) + 2 * width;
  const others = vit + 2 * bert + 3 * width + 30_524;
  const [matrices, rest] = [384_672_572 - others, 4 * others];
  const half = modelBytes(BASE, "wasm", { bits: 16 });
  assert.equal(half, {
    weights: rest + 2 * matrices,
    working: WORKING + 2 * LARGEST,
    resident: rest,
  });
  assert.is(modelBytes(BASE, "cpu", { bits: 16 }).weights, rest + 2 * matrices);
});

test("the heap bounds what stands on the backend; what would fit in 16 bits is said", async () => {
  const { resident, working } = modelBytes(BASE, "wasm", { bits: 16 });
  const heap = [["the heap", resident + working, "heap"]] as const;
  assert.is(requireMemory(BASE, "base", "wasm", heap, { bits: 16 }), 0);
  await refused(
    () => requireMemory(BASE, "base", "wasm", heap),
    "memory",
    "the heap has",
    "With weights in 16 bits (--bits 16, bits: 16) it fits.",
  );
  const all = [["the machine", resident + working]] as const;
  await refused(() => requireMemory(BASE, "base", "wasm", all, { bits: 16 }), "memory", "of weights");
});

test("a picture of many patches takes more than the vocabulary", () => {
  // 480 pixels: 901 tokens; 901 x 24,576 + 96 x 901 x 901 = 100,075,872; 2 x 901 x 768 x 37 = 51,205,632.
  assert.is(modelBytes(config({ image_size: 480 }), "cpu").working, 4 * (100_075_872 + 51_205_632) + 67_108_864);
  // A vocabulary of 500 words: the largest matrix is an MLP's, 768 x 3072; 17 tokens of a 64-pixel picture.
  const small = modelBytes(config({ image_size: 64 }, { vocab_size: 500, bos_token_id: 499 }), "cpu");
  assert.is(small.working, 4 * (2 * 2_359_296 + 2 * 17 * 768 * 37) + 67_108_864);
});

test("what the tightest limit leaves, or a refusal with the numbers", async () => {
  const all = WEIGHTS + WORKING;
  assert.is(requireMemory(BASE, "base", "cpu", []), undefined);
  const limits = [
    ["the machine", all + 2000],
    ["--memory", all + 1000],
  ] as const;
  assert.is(requireMemory(BASE, "base", "cpu", limits), 1000);
  assert.is(requireMemory(BASE, "base", "cpu", [["--memory", all]]), 0);
  // On TensorFlow a pass takes two and a half times its values.
  assert.is(requireMemory(BASE, "base", "node", [["--memory", all + 2 * LARGEST + 1000]]), 400);
  await refused(
    () => requireMemory(BASE, "base", "cpu", [limits[0], ["--memory", all - 1]]),
    "memory",
    "base takes 1.54 GB of weights and about 0.386 GB to run; --memory has 1.92 GB",
  );
  assert.is(WASM_HEAP_BYTES, 2 ** 32 - 2 ** 16);
});

test("SmolVLM-256M fits wasm's heap with a picture of one tile; with 17 it is refused, and what would fit is said", async () => {
  const smolvlm = readConfig(JSON.stringify(SMOLVLM_256M), "config.json");
  const { weights } = modelBytes(smolvlm, "cpu");
  assert.ok(Math.abs(weights / 4 - 256.5e6) < 0.1e6, `the hub counts 256.5 million, not ${weights / 4}`);
  const heap = [["the wasm backend's heap", WASM_HEAP_BYTES]] as const;
  assert.ok(requireMemory(smolvlm, "smolvlm", "wasm", heap, { tiles: 1 })! > 1e9);
  assert.equal(modelBytes(smolvlm, "wasm"), modelBytes(smolvlm, "wasm", { tiles: 1 }));
  await refused(
    () => requireMemory(smolvlm, "smolvlm", "wasm", heap, { tiles: 17 }),
    "memory",
    "the wasm backend's heap has 4.29 GB",
    "Pictures are cut into 17 tiles; whole (--no-split, split: false) it takes",
    "and fits",
  );
});

test.run();
