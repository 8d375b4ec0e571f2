import { test } from "uvu";
import * as assert from "uvu/assert";
import { readConfig } from "../../src/model/architectures.js";
import { refused } from "../support/refused.js";

// What is missing from config.json is what transformers 4.57.1's configuration classes have.

const read = (config: object) => readConfig(JSON.stringify(config), "m/config.json").config as object;

function has(found: unknown, wanted: object): void {
  for (const [name, value] of Object.entries(wanted))
    assert.equal((found as Record<string, unknown>)[name], value, name);
}

const TEXT = {
  hidden_size: 4096,
  intermediate_size: 11_008,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 32,
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
  vocab_size: 32_000,
  max_position_embeddings: 2048,
};

test("Idefics3Config and Idefics3VisionConfig", () => {
  const text = { rms_norm_eps: 1e-5 };
  const config = read({
    architectures: ["Idefics3ForConditionalGeneration"],
    image_token_id: 5,
    scale_factor: 7,
    text_config: text,
  });
  has((config as { vision: unknown }).vision, {
    hidden_size: 1152,
    intermediate_size: 3072,
    num_hidden_layers: 12,
    num_attention_heads: 16,
    layer_norm_eps: 1e-6,
    image_size: 224,
    patch_size: 32,
    hidden_act: "gelu_pytorch_tanh",
  });
  has((config as { text: unknown }).text, TEXT);
});

test("LlavaConfig, CLIPVisionConfig and LlamaConfig", () => {
  const { architectures, image_token_index } = {
    architectures: ["LlavaForConditionalGeneration"],
    image_token_index: 5,
  };
  const config = read({ architectures, image_token_index, vision_config: {}, text_config: {} });
  has((config as { vision: unknown }).vision, {
    hidden_size: 768,
    intermediate_size: 3072,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    layer_norm_eps: 1e-5,
    image_size: 224,
    patch_size: 32,
    hidden_act: "quick_gelu",
  });
  has((config as { text: unknown }).text, { ...TEXT, rms_norm_eps: 1e-6 });
});

test("sides of a Llama have a bound", async () => {
  const config = (hidden_size: number) => ({
    ...{ architectures: ["LlavaForConditionalGeneration"], image_token_index: 5 },
    ...{ vision_config: {}, text_config: { hidden_size, num_attention_heads: 1, num_key_value_heads: 1 } },
  });
  has((read(config(16_384)) as { text: unknown }).text, { hidden_size: 16_384 });
  await refused(() => read(config(16_385)), "checkpoint", "text_config.hidden_size", "<=16384, found 16385");
});

test.run();
