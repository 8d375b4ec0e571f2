import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { NoticeError } from "../base/errors.js";
import type { CheckpointFiles } from "../base/source.js";
import { linearPlace, normPlace, type Place } from "../checkpoint/place.js";
import { cropBox, cropOf, loadCropProcessor } from "../pictures/tiles.js";
import { processorNumbers, promptReader } from "../words/prompt-reader.js";
import type { Reader } from "../words/reader.js";
import { type Architecture, type Learned, sizeOf, type Takes } from "./architecture.js";
import { type LlamaWeights, llamaPlaces } from "./blocks/llama.js";
import { VIT_SITES, type VitBlockWeights, vitBlock } from "./blocks/vit.js";
import { type DecoderConfig, parseDecoder } from "./decoder-config.js";
import { DECODER_BUFFERS, decoderIntake, decoderReadout, readingTower, rootOf } from "./decoder-only.js";
import { ACTIVATIONS } from "./kernels/activations.js";
import { gelu, type LayerNorm, type Linear, layerNorm, linear, type Matrix } from "./kernels/linear.js";
import { blockPlaces, embedWithClass, gridNames } from "./seeing.js";

// LLaVA-1.5 (Hugging Face `LlavaForConditionalGeneration`): CLIP sees the picture; the output of one of its layers,
// projected, stands among the words of a Llama.

/** Everything of it that is used. */
export interface LlavaWeights<Leaf = tf.Tensor> {
  readonly vision: {
    readonly patches: Matrix<Leaf>;
    /** [width] */
    readonly classEmbedding: Leaf;
    /** [1 + patches, width] */
    readonly positions: Leaf;
    readonly firstNorm: LayerNorm<Leaf>;
    readonly blocks: readonly VitBlockWeights<Leaf>[];
  };
  readonly projector: { readonly in: Linear<Leaf>; readonly out: Linear<Leaf> };
  readonly text: LlamaWeights<Leaf>;
}

/** What its `config.json` says. */
export interface LlavaConfig extends DecoderConfig {
  /** Layers of CLIP that are used. */
  readonly layers: number;
  /** [class] is left out of what the words see. */
  readonly withoutClass: boolean;
}

type Model = Learned<LlavaConfig, LlavaWeights>;

const FAMILY = {
  model: "a LLaVA",
  vision: {
    hidden_size: 768,
    intermediate_size: 3072,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    layer_norm_eps: 1e-5,
    image_size: 224,
    patch_size: 32,
    hidden_act: "quick_gelu",
  },
  own: {
    vision_feature_layer: z.int("expected one layer").default(-2),
    vision_feature_select_strategy: z.enum(["default", "full"]).default("default"),
    projector_hidden_act: z.literal("gelu").default("gelu"),
    multimodal_projector_bias: z.literal(true).default(true),
  },
} as const;

const takes: Takes<LlavaConfig, LlavaWeights> = {
  tower: "vision",
  rows: projected,
  rowOf: ({ withoutClass }, token) => (withoutClass ? (token === 0 ? undefined : token - 1) : token),
  token: ({ imageToken }) => imageToken,
};

export const llava = {
  name: "llava",
  checkpoint: {
    className: "LlavaForConditionalGeneration",
    config,
    places,
    ignored: DECODER_BUFFERS,
    unused: ({ layers }, name) => {
      const layer = /vision_tower\..*encoder\.layers\.(\d+)\./.exec(name)?.[1];
      return /vision_tower\..*post_layernorm\./.test(name) || (layer !== undefined && Number(layer) >= layers);
    },
    aliases: [],
  },
  intake: { ...decoderIntake, reader },
  towers: {
    vision: {
      tokens: "image",
      causal: false,
      sites: VIT_SITES,
      size: ({ vision, layers }) => ({ ...sizeOf(vision), layers }),
      names: ({ vision }) => ["[CLS]", ...gridNames(vision, 1)],
      embed: ({ config: { vision }, weights }, { pixels }) =>
        layerNorm(embedWithClass(weights.vision, vision, pixels!), weights.vision.firstNorm, vision.layer_norm_eps),
      block: ({ config: { vision }, weights }, layer, x, { given }) =>
        vitBlock(weights.vision.blocks[layer]!, vision, x, given, { activate: ACTIVATIONS[vision.hidden_act] }),
      attention: ({ weights }, layer) => weights.vision.blocks[layer]!,
    },
    text: readingTower(takes),
  },
  readout: decoderReadout(takes),
} as const satisfies Architecture<LlavaConfig, LlavaWeights>;

function config(json: string, file: string, warn: (message: string) => void, generation?: string): LlavaConfig {
  const { config, own } = parseDecoder(FAMILY, json, file, generation);
  const all = config.vision.num_hidden_layers;
  const chosen = own.vision_feature_layer;
  const layers = chosen < 0 ? all + 1 + chosen : chosen;
  if (layers < 1 || layers > all)
    throw new NoticeError(
      "checkpoint",
      `${file}: vision_feature_layer is ${chosen}; one of ${all} layers was expected, -1 being the last.`,
    );
  if (layers < all)
    warn(
      `${file}: of the ${all} layers that see the picture the first ${layers} are used (vision_feature_layer ${chosen}); the others are not loaded.`,
    );
  return { ...config, layers, withoutClass: own.vision_feature_select_strategy === "default" };
}

/** transformers 4.57 and 5: prefixes differ. */
function places({ vision, text, layers, tied }: LlavaConfig, names: ReadonlySet<string>): LlavaWeights<Place> {
  const has = (ending: string) => [...names].find((name) => name.endsWith(ending));
  const before = (ending: string, otherwise: string) => rootOf(names, ending, otherwise);
  const seeing = before(".embeddings.patch_embedding.weight", "vision_tower.vision_model");
  const projector = `${before("multi_modal_projector.linear_1.weight", "")}multi_modal_projector`;
  const reading = before(".embed_tokens.weight", "language_model.model");
  const untied = has("lm_head.weight") ?? "language_model.lm_head.weight";
  const head = !tied || names.has(untied) ? untied : `${reading}.embed_tokens.weight`;
  const { hidden_size: width, patch_size: patch } = vision;
  return {
    vision: {
      patches: {
        weight: {
          name: `${seeing}.embeddings.patch_embedding.weight`,
          shape: [width, 3, patch, patch],
          layout: "patches",
        },
      },
      classEmbedding: { name: `${seeing}.embeddings.class_embedding`, shape: [width] },
      positions: {
        name: `${seeing}.embeddings.position_embedding.weight`,
        shape: [(vision.image_size / patch) ** 2 + 1, width],
      },
      firstNorm: normPlace(`${seeing}.pre_layrnorm`, width),
      blocks: blockPlaces(seeing, vision, layers),
    },
    projector: {
      in: linearPlace(`${projector}.linear_1`, width, text.hidden_size),
      out: linearPlace(`${projector}.linear_2`, text.hidden_size, text.hidden_size),
    },
    text: llamaPlaces(reading, text, head),
  };
}

/** [batch, token, width] -> what stands among the words, [batch, token, text width]. */
function projected({ config, weights: { projector } }: Model, last: tf.Tensor): tf.Tensor {
  const seen = config.withoutClass ? tf.slice(last, [0, 1, 0], [-1, -1, -1]) : last;
  return linear(gelu(linear(seen, projector.in)), projector.out);
}

async function reader(files: CheckpointFiles, config: LlavaConfig): Promise<Reader> {
  const processor = await loadCropProcessor(files);
  const { patch_size, num_additional_image_tokens, vision_feature_select_strategy } = await processorNumbers(files);
  const { vision } = config;
  const patch = typeof patch_size === "number" && patch_size > 0 ? patch_size : vision.patch_size;
  const more = typeof num_additional_image_tokens === "number" ? num_additional_image_tokens : 1;
  const dropped = (vision_feature_select_strategy ?? (config.withoutClass ? "default" : "full")) === "default" ? 1 : 0;
  const said = Math.floor(processor.size.height / patch) * Math.floor(processor.size.width / patch) + more - dropped;
  const grid = { rows: 0, columns: 0 };
  return promptReader(files, {
    processor,
    square: grid,
    see: (picture) => ({
      values: cropOf(processor, picture),
      shape: [1, processor.size.height, processor.size.width, 3],
      grid,
    }),
    boxes: (picture) => [cropBox(processor, picture)],
    placeholder: () => "<image>".repeat(Math.max(0, Math.min(said, 100_000))),
    imageToken: config.imageToken,
    imageTokens: () => (vision.image_size / vision.patch_size) ** 2 + (config.withoutClass ? 0 : 1),
    template: TEMPLATE,
    maxTokens: config.text.max_position_embeddings,
  });
}

const TEMPLATE = "USER: <image>\n{{ messages[0]['content'][1]['text'] }} ASSISTANT:";
