import { z } from "zod";
import { NoticeError } from "../base/errors.js";
import { parseJson } from "../base/json.js";
import { count, epsilon, note, notTheConfig } from "./config-fields.js";

/** One tower's shape, in the names of Hugging Face's `config.json`. */
export interface TowerConfig {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly layer_norm_eps: number;
}

export interface VisionConfig extends TowerConfig {
  readonly image_size: number;
  readonly patch_size: number;
}

/** [CLS] and the patches. */
export function imageTokens({ image_size, patch_size }: VisionConfig): number {
  return (image_size / patch_size) ** 2 + 1;
}

/** The text encoder and the decoder share one config. */
export interface TextConfig extends TowerConfig {
  readonly vocab_size: number;
  readonly max_position_embeddings: number;
  /** [DEC], which starts the decoder. */
  readonly bos_token_id: number;
  /** [SEP], which ends an answer. */
  readonly sep_token_id: number;
  readonly pad_token_id: number;
}

/** What `config.json` says of the towers, in Hugging Face's names. */
export interface BlipConfig {
  readonly vision: VisionConfig;
  readonly text: TextConfig;
  /** What whoever made the checkpoint wants said wherever its heads are shown (`vlm_notice_note`). */
  readonly note?: string;
}

const token = (fallback: number) => z.int().nonnegative().default(fallback);

// Defaults are those of transformers' BlipVisionConfig and BlipTextConfig.
const tower = {
  hidden_size: count(768, 16_384),
  intermediate_size: count(3072, 65_536),
  num_hidden_layers: count(12, 256),
  num_attention_heads: count(12, 1024),
  hidden_act: z.literal("gelu").default("gelu"),
};

const visionSchema = z.object({
  ...tower,
  layer_norm_eps: epsilon(1e-5),
  image_size: count(384, 4096),
  patch_size: count(16, 512),
});

const textSchema = z.object({
  ...tower,
  num_attention_heads: count(8, 1024),
  layer_norm_eps: epsilon(1e-12),
  vocab_size: count(30_524, 1_000_000),
  max_position_embeddings: count(512, 65_536),
  bos_token_id: token(30_522),
  sep_token_id: token(102),
  pad_token_id: token(0),
});

const schema = z.object({
  model_type: z.literal("blip"),
  vlm_notice_note: note,
  vision_config: visionSchema.nullish().transform((vision) => vision ?? visionSchema.parse({})),
  text_config: textSchema.nullish().transform((text) => text ?? textSchema.parse({})),
});

/**
 * The shapes of a BLIP checkpoint from the text of its `config.json`. Omitted fields default as in `transformers`.
 * A 768-wide text tower that says 8 heads has 12 (the hub's base checkpoints carry that mistake, transformers#22625):
 * it is repaired, and `warn` is told.
 *
 * @throws NoticeError `checkpoint` naming the file and the field.
 */
export function parseConfig(json: string, file: string, warn: (message: string) => void = console.warn): BlipConfig {
  const parsed = schema.safeParse(parseJson(json, file), { reportInput: true });
  if (!parsed.success) throw notTheConfig(file, "a BLIP model", parsed.error);
  const { vision_config: vision, text_config } = parsed.data;
  const text = repairHeads(text_config, file, warn);
  for (const [name, { hidden_size, num_attention_heads }] of Object.entries({
    vision_config: vision,
    text_config: text,
  }))
    if (hidden_size % num_attention_heads !== 0)
      throw new NoticeError(
        "checkpoint",
        `${file}: ${name}.num_attention_heads is ${num_attention_heads}, which does not divide hidden_size ${hidden_size}.`,
      );
  if (vision.image_size % vision.patch_size !== 0)
    throw new NoticeError(
      "checkpoint",
      `${file}: vision_config.patch_size is ${vision.patch_size}, which does not divide image_size ${vision.image_size}.`,
    );
  for (const field of ["bos_token_id", "sep_token_id", "pad_token_id"] as const)
    if (text[field] >= text.vocab_size)
      throw new NoticeError(
        "checkpoint",
        `${file}: text_config.${field} is ${text[field]}, outside the vocabulary of ${text.vocab_size} tokens.`,
      );
  const { vlm_notice_note: said } = parsed.data;
  return { vision, text, ...(said === undefined ? {} : { note: said }) };
}

function repairHeads<Text extends TowerConfig>(text: Text, file: string, warn: (message: string) => void): Text {
  if (text.hidden_size !== 768 || text.num_attention_heads !== 8) return text;
  warn(`${file}: text_config says 8 attention heads; a 768-wide BLIP has 12, so 12 are used (transformers#22625).`);
  return { ...text, num_attention_heads: 12 };
}
