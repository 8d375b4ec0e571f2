import * as tf from "@tensorflow/tfjs-core";
import type { Place } from "../../checkpoint/place.js";
import { silu } from "../kernels/activations.js";
import { type GroupedQueryWeights, groupedQueryAttention } from "../kernels/grouped-query.js";
import { type Matrix, product, rmsNorm } from "../kernels/linear.js";
import { define } from "../kernels/values.js";
import { addedStream, type Beside, type Block, givenTo, MLP, type MlpValue, SELF } from "./block.js";

/** Of one layer; nothing has a bias. */
export interface LlamaBlockWeights<Leaf = tf.Tensor> {
  readonly selfNorm: Matrix<Leaf>;
  readonly self: GroupedQueryWeights<Leaf>;
  readonly mlpNorm: Matrix<Leaf>;
  readonly mlp: { readonly gate: Matrix<Leaf>; readonly up: Matrix<Leaf>; readonly down: Matrix<Leaf> };
}

/** Of the whole tower. */
export interface LlamaWeights<Leaf = tf.Tensor> {
  /** [vocabulary, width]; not there where it is the head's. */
  readonly words?: Leaf;
  readonly blocks: readonly LlamaBlockWeights<Leaf>[];
  readonly finalNorm: Matrix<Leaf>;
  /** [width, vocabulary] */
  readonly head: Matrix<Leaf>;
}

/** Its shape, in the names of config.json. */
export interface LlamaConfig {
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly head_dim: number;
  readonly rms_norm_eps: number;
  readonly rope_theta: number;
  readonly vocab_size: number;
  readonly max_position_embeddings: number;
}

/** What a block computes, in that order. */
export const LLAMA_SITES = ["resid_pre", ...SELF, "resid_mid", ...MLP, "resid_post"] as const;

/** Ids [batch, token], int32 -> [batch, token, width]. */
export function embedWords(weights: LlamaWeights, ids: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const { words } = weights;
    const flat = tf.reshape(ids, [-1]);
    const rows = words ? tf.gather(words, flat) : tf.transpose(tf.gather(weights.head.weight, flat, 1));
    return tf.reshape(rows, [...ids.shape, rows.shape[1]!]);
  });
}

/**
 * Llama's block: RMSNorm before each sublayer, grouped-query attention with rotary positions, a gated MLP; `mlp.pre` is
 * the gate.
 */
export function llamaBlock(
  weights: LlamaBlockWeights,
  config: LlamaConfig,
  x: tf.Tensor,
  { given = {}, past }: Beside = {},
): Block {
  const normed = define<"self" | "mlp">({
    self: () => rmsNorm(stream.resid_pre, weights.selfNorm, config.rms_norm_eps),
    mlp: () => rmsNorm(stream.resid_cross, weights.mlpNorm, config.rms_norm_eps),
  });
  const self = groupedQueryAttention(weights.self, () => normed.self, {
    heads: config.num_attention_heads,
    keyValueHeads: config.num_key_value_heads,
    rotary: { base: config.rope_theta },
    past,
    given: givenTo(given, "self"),
  });
  const feed = define<MlpValue>(
    {
      pre: () => product(normed.mlp, weights.mlp.gate),
      post: ({ pre }) => tf.mul(silu(pre), product(normed.mlp, weights.mlp.up)),
      out: ({ post }) => product(post, weights.mlp.down),
    },
    givenTo(given, "mlp"),
  );
  const stream: Block["stream"] = addedStream(x, { self, mlp: feed }, given);
  return { stream, self, mlp: feed };
}

/** The last stream [batch, token, width] -> logits after its last token, [batch, vocabulary]. */
export function nextWord(weights: LlamaWeights, config: LlamaConfig, last: tf.Tensor): tf.Tensor2D {
  const [batch, tokens, width] = last.shape as [number, number, number];
  const rows = tf.reshape(tf.slice(last, [0, tokens - 1, 0], [batch, 1, width]), [batch, width]);
  return product(rmsNorm(rows, weights.finalNorm, config.rms_norm_eps), weights.head) as tf.Tensor2D;
}

/** Where a checkpoint keeps one. @param root such as `model.text_model`. @param head the output matrix's name. */
export function llamaPlaces(root: string, config: LlamaConfig, head: string): LlamaWeights<Place> {
  const { hidden_size: width, intermediate_size: mlpWidth, head_dim: headDim } = config;
  const matrix = (name: string, inside: number, outside: number): Matrix<Place> => ({
    weight: { name: `${name}.weight`, shape: [outside, inside], layout: "transposed" },
  });
  const scale = (name: string): Matrix<Place> => ({ weight: { name: `${name}.weight`, shape: [width] } });
  const [queries, keys] = [config.num_attention_heads * headDim, config.num_key_value_heads * headDim];
  const words = `${root}.embed_tokens.weight`;
  return {
    ...(head !== words && { words: { name: words, shape: [config.vocab_size, width] } }),
    blocks: Array.from({ length: config.num_hidden_layers }, (_, layer) => {
      const at = `${root}.layers.${layer}`;
      return {
        selfNorm: scale(`${at}.input_layernorm`),
        self: {
          query: matrix(`${at}.self_attn.q_proj`, width, queries),
          key: matrix(`${at}.self_attn.k_proj`, width, keys),
          value: matrix(`${at}.self_attn.v_proj`, width, keys),
          output: matrix(`${at}.self_attn.o_proj`, queries, width),
        },
        mlpNorm: scale(`${at}.post_attention_layernorm`),
        mlp: {
          gate: matrix(`${at}.mlp.gate_proj`, width, mlpWidth),
          up: matrix(`${at}.mlp.up_proj`, width, mlpWidth),
          down: matrix(`${at}.mlp.down_proj`, mlpWidth, width),
        },
      };
    }),
    finalNorm: scale(`${root}.norm`),
    head: { weight: { name: head, shape: [config.vocab_size, width], layout: "transposed" } },
  };
}
