import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { NoticeError } from "../base/errors.js";
import type { CheckpointFiles } from "../base/source.js";
import type { Place } from "../checkpoint/place.js";
import { gridOf, loadTileProcessor, tileBoxes, tilesOf } from "../pictures/tiles.js";
import { processorNumbers, promptReader } from "../words/prompt-reader.js";
import type { Grid, Reader, ReaderOptions } from "../words/reader.js";
import { type Architecture, type Learned, sizeOf, type Takes } from "./architecture.js";
import { type LlamaWeights, llamaPlaces } from "./blocks/llama.js";
import { VIT_SITES, vitBlock } from "./blocks/vit.js";
import { type DecoderConfig, parseDecoder } from "./decoder-config.js";
import { DECODER_BUFFERS, decoderIntake, decoderReadout, readingTower, rootOf } from "./decoder-only.js";
import { ACTIVATIONS } from "./kernels/activations.js";
import { layerNorm, type Matrix, product } from "./kernels/linear.js";
import { swapped } from "./kernels/swapped.js";
import { embedPatches, gridNames, type SeeingWeights, seeingPlaces } from "./seeing.js";

// Idefics3 and SmolVLM (Hugging Face `Idefics3ForConditionalGeneration`, `SmolVLMForConditionalGeneration`): SigLIP
// sees the picture and each of its tiles; pixel shuffle makes fewer, wider tokens of it, which stand among the words of
// a Llama.

/** Everything that it has learned. */
export interface Idefics3Weights<Leaf = tf.Tensor> {
  readonly vision: SeeingWeights<Leaf>;
  /** [scale² · vision width, text width] */
  readonly connector: Matrix<Leaf>;
  readonly text: LlamaWeights<Leaf>;
}

/** What its `config.json` says. */
export interface Idefics3Config extends DecoderConfig {
  /** Patches a side that become one token. */
  readonly scale: number;
}

type Model = Learned<Idefics3Config, Idefics3Weights>;

const FAMILY = {
  model: "an Idefics3 or SmolVLM",
  vision: {
    hidden_size: 1152,
    intermediate_size: 3072,
    num_hidden_layers: 12,
    num_attention_heads: 16,
    layer_norm_eps: 1e-6,
    image_size: 224,
    patch_size: 32,
    hidden_act: "gelu_pytorch_tanh",
  },
  own: { scale_factor: z.int().positive().max(64).default(2), image_token_id: z.int().nonnegative().optional() },
} as const;

const takes: Takes<Idefics3Config, Idefics3Weights> = {
  tower: "vision",
  rows: shuffled,
  rowOf: shuffledRow,
  token: ({ imageToken }) => imageToken,
};

export const idefics3 = {
  name: "idefics3",
  checkpoint: {
    className: "Idefics3ForConditionalGeneration",
    config,
    places,
    ignored: DECODER_BUFFERS,
    aliases: [],
  },
  intake: { ...decoderIntake, reader },
  towers: {
    vision: {
      tokens: "image",
      causal: false,
      sites: VIT_SITES,
      size: ({ vision }) => sizeOf(vision),
      names: ({ vision }, tiles = 1) => gridNames(vision, tiles),
      embed: ({ config, weights }, { pixels, ids }) =>
        embedPatches(weights.vision, config.vision, pixels!, ids.shape[0]!),
      block: ({ config: { vision }, weights }, layer, x, { given }) =>
        vitBlock(weights.vision.blocks[layer]!, vision, x, given, {
          activate: ACTIVATIONS[vision.hidden_act],
          tile: (vision.image_size / vision.patch_size) ** 2,
        }),
      attention: ({ weights }, layer) => weights.vision.blocks[layer]!,
    },
    text: readingTower(takes),
  },
  readout: decoderReadout(takes),
} as const satisfies Architecture<Idefics3Config, Idefics3Weights>;

/** SmolVLM2: the same network under another name. */
export const smolvlm = {
  ...idefics3,
  name: "smolvlm",
  checkpoint: { ...idefics3.checkpoint, className: "SmolVLMForConditionalGeneration" },
} as const satisfies Architecture<Idefics3Config, Idefics3Weights>;

function config(json: string, file: string, _: (message: string) => void, generation?: string): Idefics3Config {
  const { config, own } = parseDecoder(FAMILY, json, file, generation);
  const side = config.vision.image_size / config.vision.patch_size;
  if (side % own.scale_factor !== 0)
    throw new NoticeError(
      "checkpoint",
      `${file}: scale_factor is ${own.scale_factor}, which does not divide the ${side} patches a side.`,
    );
  return { ...config, scale: own.scale_factor };
}

/** transformers 4.57 and 5: prefixes differ, endings do not. */
function places({ vision, text, scale, tied }: Idefics3Config, names: ReadonlySet<string>): Idefics3Weights<Place> {
  const seeing = rootOf(names, "vision_model.embeddings.patch_embedding.weight", "model.");
  const reading = `${rootOf(names, "text_model.embed_tokens.weight", "model.")}text_model`;
  const connector = `${rootOf(names, "connector.modality_projection.proj.weight", "model.")}connector.modality_projection.proj.weight`;
  const head = !tied || names.has("lm_head.weight") ? "lm_head.weight" : `${reading}.embed_tokens.weight`;
  const from = vision.hidden_size * scale ** 2;
  return {
    vision: seeingPlaces(`${seeing}vision_model`, vision),
    connector: { weight: { name: connector, shape: [text.hidden_size, from], layout: "transposed" } },
    text: llamaPlaces(reading, text, head),
  };
}

/**
 * [batch, tile · patch, width] -> what stands among the words, [batch, token, text width]: each `scale` x `scale`
 * patches as one.
 */
function shuffled({ config: { vision, scale }, weights }: Model, last: tf.Tensor): tf.Tensor {
  const normed = layerNorm(last, weights.vision.finalNorm, vision.layer_norm_eps);
  const [batch, tokens, width] = normed.shape as [number, number, number];
  const side = vision.image_size / vision.patch_size;
  const count = side / scale;
  const tiles = tokens / side ** 2;
  // [tile, row, y, column, x, width] -> [tile, row, column, y, x, width]
  const ordered = swapped(normed, [batch * tiles * count, scale, count, scale * width]);
  return product(tf.reshape(ordered, [batch, tiles * count ** 2, scale ** 2 * width]), weights.connector);
}

/** The row of `shuffled` that a patch is part of. */
function shuffledRow({ vision, scale }: Idefics3Config, patch: number): number {
  const side = vision.image_size / vision.patch_size;
  const count = side / scale;
  const [row, column] = [Math.floor(patch / side), patch % side]; // rows of all tiles, one below the other
  return Math.floor(row / scale) * count + Math.floor(column / scale);
}

async function reader(files: CheckpointFiles, config: Idefics3Config, { split }: ReaderOptions): Promise<Reader> {
  const stored = await loadTileProcessor(files);
  const processor = { ...stored, do_image_splitting: split ?? stored.do_image_splitting };
  const { image_seq_len } = await processorNumbers(files);
  const side = config.vision.image_size / config.vision.patch_size / config.scale;
  const each = side ** 2;
  const said = typeof image_seq_len === "number" ? image_seq_len : each;
  const fake = "<fake_token_around_image>";
  const tokens = (count: number) => "<image>".repeat(Math.min(count, 100_000));
  return promptReader(files, {
    processor,
    square: gridOf(processor, 1, 1),
    see(picture) {
      const { values, tiles, rows, columns } = tilesOf(processor, picture);
      const { height, width } = processor.size;
      return { values, shape: [tiles, height, width, 3], grid: { rows, columns } };
    },
    boxes: (picture) => tileBoxes(processor, picture),
    placeholder({ rows, columns }: Grid) {
      const whole = `${fake}<global-img>${tokens(said)}${fake}`;
      if (rows === 0) return whole;
      const row = (y: number) =>
        Array.from({ length: columns }, (_, x) => `${fake}<row_${y + 1}_col_${x + 1}>${tokens(said)}`).join("");
      return `${Array.from({ length: rows }, (_, y) => `${row(y)}\n`).join("")}\n${whole}`;
    },
    imageToken: config.imageToken,
    imageTokens: ({ rows, columns }) => (rows * columns + 1) * each,
    template: TEMPLATE,
    maxTokens: config.text.max_position_embeddings,
  });
}

/** SmolVLM's, for checkpoints that have lost theirs. */
const TEMPLATE =
  "<|im_start|>{% for message in messages %}User:{% for line in message['content'] %}{% if line['type'] == 'text' %}{{line['text']}}" +
  "{% else %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}{{ 'Assistant:' }}";
