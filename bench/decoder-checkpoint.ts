import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeRandomCheckpoint } from "./base-checkpoint.js";

/** The shape of HuggingFaceTB/SmolVLM-256M-Instruct. */
export const SMOLVLM_CONFIG = {
  architectures: ["Idefics3ForConditionalGeneration"],
  model_type: "idefics3",
  image_token_id: 442,
  scale_factor: 4,
  tie_word_embeddings: false,
  vision_config: {
    model_type: "idefics3_vision",
    hidden_size: 768,
    intermediate_size: 3072,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    image_size: 512,
    patch_size: 16,
    hidden_act: "gelu_pytorch_tanh",
    layer_norm_eps: 1e-6,
  },
  text_config: {
    model_type: "llama",
    hidden_size: 576,
    intermediate_size: 1536,
    num_hidden_layers: 30,
    num_attention_heads: 9,
    num_key_value_heads: 3,
    head_dim: 64,
    rms_norm_eps: 1e-5,
    rope_theta: 100_000,
    max_position_embeddings: 8192,
    vocab_size: 49_280,
  },
} as const;

/** What is asked, in words of `weights/scenes-lm`. */
export const DECODER_QUESTION = "is this big star red or blue?";
export const DECODER_ANSWERS = ["red", "blue"] as const;

/** Words come from `weights/scenes-lm`, in which each has a piece of its own. */
const WORDS = fileURLToPath(new URL("../weights/scenes-lm", import.meta.url));

/** Writes a checkpoint of that shape with random weights, 1.1 GB. Speed and memory are those of the real one. */
export async function writeSmolVlm(folder: string): Promise<void> {
  const { preprocessor, ...files } = await processors();
  await writeRandomCheckpoint(folder, SMOLVLM_CONFIG);
  await writeFile(join(folder, "preprocessor_config.json"), JSON.stringify(preprocessor));
  await writeFile(join(folder, "processor_config.json"), JSON.stringify(files.processor));
  await writeFile(join(folder, "tokenizer.json"), await tokenizer());
  for (const name of ["tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"])
    await copyFile(join(WORDS, name), join(folder, name));
}

/** A square picture becomes 17 tiles of 512 pixels, or one where it is not split; a tile 64 tokens. */
async function processors() {
  const stored = JSON.parse(await readFile(join(WORDS, "preprocessor_config.json"), "utf8")) as object;
  return {
    preprocessor: {
      ...stored,
      do_image_splitting: true,
      size: { longest_edge: 2048 },
      max_image_size: { longest_edge: 512 },
    },
    processor: { image_seq_len: 64, processor_class: "Idefics3Processor" },
  };
}

/** With the names of the tiles, which a model of whole pictures has no need of. */
async function tokenizer(): Promise<string> {
  const stored = JSON.parse(await readFile(join(WORDS, "tokenizer.json"), "utf8")) as {
    added_tokens: { id: number }[];
  };
  const last = stored.added_tokens.at(-1)!;
  const names = [1, 2, 3, 4].flatMap((row) => [1, 2, 3, 4].map((column) => `<row_${row}_col_${column}>`));
  stored.added_tokens.push(...names.map((content, i) => ({ ...last, id: last.id + 1 + i, content })));
  return JSON.stringify(stored);
}
