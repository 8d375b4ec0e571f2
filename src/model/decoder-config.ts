import { z } from "zod";
import { NoticeError } from "../base/errors.js";
import { parseJson, shown } from "../base/json.js";
import type { VisionConfig } from "./blip-config.js";
import type { LlamaConfig } from "./blocks/llama.js";
import { count, epsilon, note, notTheConfig } from "./config-fields.js";
import { ACTIVATIONS, type ActivationName } from "./kernels/activations.js";

// What config.json says of models whose tower of words has the picture among its own tokens.

/** Of the tower that sees. */
export interface SeeingConfig extends VisionConfig {
  readonly hidden_act: ActivationName;
}

/** Of the tower that reads and answers. */
interface ReadingConfig extends LlamaConfig {
  /** Tokens that end an answer. */
  readonly ends: readonly number[];
}

/** What both families say. */
export interface DecoderConfig {
  readonly vision: SeeingConfig;
  readonly text: ReadingConfig;
  /** The token in whose place the picture is put. */
  readonly imageToken: number;
  readonly tied: boolean;
  readonly note?: string;
}

const id = z.int().nonnegative();
const ids = z.union([id.transform((one) => [one]), z.array(id)]);

/** @param fallback of a family, as transformers has it. */
const seeing = (fallback: Omit<SeeingConfig, "hidden_act"> & { hidden_act: ActivationName }) =>
  z.object({
    hidden_size: count(fallback.hidden_size, 16_384),
    intermediate_size: count(fallback.intermediate_size, 65_536),
    num_hidden_layers: count(fallback.num_hidden_layers, 256),
    num_attention_heads: count(fallback.num_attention_heads, 1024),
    layer_norm_eps: epsilon(fallback.layer_norm_eps),
    image_size: count(fallback.image_size, 4096),
    patch_size: count(fallback.patch_size, 512),
    num_channels: z.literal(3).default(3),
    hidden_act: z.enum(Object.keys(ACTIVATIONS) as [ActivationName, ...ActivationName[]]).default(fallback.hidden_act),
  });

const reading = z
  .object({
    model_type: z.literal("llama").default("llama"),
    hidden_size: count(4096, 16_384),
    intermediate_size: count(11_008, 65_536),
    num_hidden_layers: count(32, 256),
    num_attention_heads: count(32, 1024),
    num_key_value_heads: z.int().positive().max(1024).nullish(),
    head_dim: z.int().positive().max(1024).nullish(),
    rms_norm_eps: epsilon(1e-6),
    rope_theta: z.number().positive().optional(),
    rope_scaling: z.unknown().optional(),
    rope_parameters: z.looseObject({ rope_theta: z.number().positive().optional() }).nullish(),
    vocab_size: count(32_000, 1_000_000),
    max_position_embeddings: count(2048, 1_000_000),
    hidden_act: z.literal("silu").default("silu"),
    attention_bias: z.literal(false).default(false),
    mlp_bias: z.literal(false).default(false),
    eos_token_id: ids.nullish(),
  })
  .superRefine(({ rope_scaling, rope_parameters }, { addIssue }) => {
    for (const found of [rope_scaling, rope_parameters]) {
      const given = (found ?? {}) as { rope_type?: unknown; type?: unknown };
      const kind = given.rope_type ?? given.type ?? "default";
      if (kind !== "default")
        addIssue({
          code: "custom",
          path: ["rope_scaling"],
          message: `expected plain rotary positions, not ${shown(kind)}`,
        });
    }
  })
  .transform(
    ({ num_key_value_heads, head_dim, rope_theta, rope_parameters, eos_token_id, ...text }): ReadingConfig => ({
      ...text,
      num_key_value_heads: num_key_value_heads ?? text.num_attention_heads,
      head_dim: head_dim ?? text.hidden_size / text.num_attention_heads,
      rope_theta: rope_theta ?? rope_parameters?.rope_theta ?? 10_000,
      ends: eos_token_id ?? [2],
    }),
  );

/** What a family's config.json says beside, and what its seeing tower defaults to. */
interface Family<Own extends z.ZodRawShape> {
  readonly model: string;
  readonly vision: Parameters<typeof seeing>[0];
  readonly own: Own;
}

/**
 * The config of a family's checkpoint. Omitted fields default as in `transformers`.
 *
 * @param generation the text of generation_config.json, which says what ends an answer.
 * @throws NoticeError `checkpoint` naming the file and the field.
 */
export function parseDecoder<Own extends z.ZodRawShape>(
  { model, vision, own }: Family<Own>,
  json: string,
  file: string,
  generation?: string,
): { readonly config: DecoderConfig; readonly own: z.infer<z.ZodObject<Own>> } {
  const schema = z.object({
    vlm_notice_note: note,
    vision_config: z
      .unknown()
      .optional()
      .transform((found) => found ?? {})
      .pipe(seeing(vision)),
    text_config: z
      .unknown()
      .optional()
      .transform((found) => found ?? {})
      .pipe(reading),
    tie_word_embeddings: z.boolean().default(false),
  });
  const value = parseJson(json, file);
  const parsed = schema.safeParse(value, { reportInput: true });
  const beside = z.object(own).safeParse(value, { reportInput: true });
  if (!parsed.success || !beside.success) {
    const issues = [...(parsed.error?.issues ?? []), ...(beside.error?.issues ?? [])];
    throw notTheConfig(file, model, { issues });
  }
  const { vision_config, text_config, tie_word_embeddings: tied, vlm_notice_note: said } = parsed.data;
  const ends = endsFrom(generation, file) ?? text_config.ends;
  const imageToken =
    (value as { image_token_id?: number; image_token_index?: number }).image_token_id ??
    (value as { image_token_index?: number }).image_token_index;
  const config: DecoderConfig = {
    vision: vision_config,
    text: { ...text_config, ends },
    imageToken: imageToken as number,
    tied,
    ...(said === undefined ? {} : { note: said }),
  };
  checkShapes(config, file);
  return { config, own: beside.data };
}

function endsFrom(generation: string | undefined, file: string): number[] | undefined {
  if (generation === undefined) return undefined;
  const found = z.looseObject({ eos_token_id: ids.nullish() }).safeParse(parseJson(generation, `${file} (generation)`));
  return found.success ? (found.data.eos_token_id ?? undefined) : undefined;
}

function checkShapes({ vision, text, imageToken }: DecoderConfig, file: string): void {
  const { num_attention_heads: heads, num_key_value_heads: groups, head_dim: headDim } = text;
  const complaints = [
    vision.hidden_size % vision.num_attention_heads !== 0 &&
      `vision_config.num_attention_heads is ${vision.num_attention_heads}, which does not divide hidden_size ${vision.hidden_size}`,
    vision.image_size % vision.patch_size !== 0 &&
      `vision_config.patch_size is ${vision.patch_size}, which does not divide image_size ${vision.image_size}`,
    heads % groups !== 0 && `text_config.num_key_value_heads is ${groups}, which does not divide the ${heads} heads`,
    !(Number.isInteger(headDim) && headDim % 2 === 0) &&
      `text_config: a head has ${headDim} dimensions; an even whole number was expected`,
    !(Number.isInteger(imageToken) && imageToken >= 0 && imageToken < text.vocab_size) &&
      `image_token_id is ${shown(imageToken)}; one of the ${text.vocab_size} tokens was expected`,
  ];
  const found = complaints.filter((complaint) => complaint !== false);
  if (found.length > 0) throw new NoticeError("checkpoint", `${file}: ${found.join("; ")}.`);
}
