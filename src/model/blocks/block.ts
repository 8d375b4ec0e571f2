import * as tf from "@tensorflow/tfjs-core";
import type { Activation } from "../kernels/activations.js";
import type { AttentionValue, KeysValues } from "../kernels/attention.js";
import { gelu, type Linear, linear, linearGelu } from "../kernels/linear.js";
import { define, type Given, type Replacement, type Values } from "../kernels/values.js";
import { atOnce, type Steps } from "../steps.js";

export interface MlpWeights<Leaf = tf.Tensor> {
  readonly in: Linear<Leaf>;
  readonly out: Linear<Leaf>;
}

/** `pre` and `post` GELU [batch, token, mlpWidth]; `out` [batch, token, width], before the residual sum. */
export type MlpValue = "pre" | "post" | "out";

/**
 * The stream [batch, token, width]: what the block is given, what stands after self-attention, what after
 * cross-attention (in vision, which has none, the same), what it hands on. In the text towers (post-LN) each is taken
 * after its LayerNorm.
 */
export type StreamValue = "resid_pre" | "resid_mid" | "resid_cross" | "resid_post";

/** A value of a block, named within it: `self.z`, `mlp.out`, `resid_post`, … */
export type BlockSite = StreamValue | `self.${AttentionValue}` | `cross.${AttentionValue}` | `mlp.${MlpValue}`;

/** The sites of a block's sublayers, in the order in which they are computed. */
export const SELF = ["self.q", "self.k", "self.v", "self.pattern", "self.z", "self.out"] as const;
export const CROSS = ["cross.q", "cross.k", "cross.v", "cross.pattern", "cross.z", "cross.out"] as const;
export const MLP = ["mlp.pre", "mlp.post", "mlp.out"] as const;

export type BlockGiven = { readonly [site in BlockSite]?: Replacement };

/** The values of one block, computed as they are read. */
export interface Block {
  readonly stream: Values<StreamValue>;
  readonly self: Values<AttentionValue>;
  readonly cross?: Values<AttentionValue>;
  readonly mlp: Values<MlpValue>;
}

/** What a block is given beside its input. */
export interface Beside {
  readonly given?: BlockGiven;
  /**
   * Of a causal tower: keys and values of the tokens before those of the input, in parts. A part of batch 1 is shared
   * by all rows.
   */
  readonly past?: readonly KeysValues[];
}

/** A block with its weights and its context: from the stream that enters it to its values. */
export type BlockFunction = (x: tf.Tensor, beside?: Beside) => Block;

/** Replacements by layer. */
export type TowerGiven = ReadonlyMap<number, BlockGiven>;

/** Replacements in a tower that goes on with a text: where it reads the tokens given, and where it reads its own. */
export interface Rewrites {
  readonly first: TowerGiven;
  /** Of the tokens that it says, read one by one. */
  readonly later: TowerGiven;
}

/** @param x the sublayer's input, [batch, token, width]. */
export function mlp(
  weights: MlpWeights,
  x: () => tf.Tensor,
  given?: Given<MlpValue>,
  activate: Activation = gelu,
): Values<MlpValue> {
  return define(
    {
      pre: () => linear(x(), weights.in),
      // Where nothing replaces what GELU is given, it need not be computed by itself.
      post: (values) => (activate === gelu && !given?.pre && linearGelu(x(), weights.in)) || activate(values.pre),
      out: ({ post }) => linear(post, weights.out),
    },
    given,
  );
}

/** The replacements of one sublayer, without its prefix. */
export function givenTo<Name extends string>(given: BlockGiven, sublayer: "self" | "cross" | "mlp"): Given<Name> {
  const entries = Object.entries(given).filter(([site]) => site.startsWith(`${sublayer}.`));
  return Object.fromEntries(entries.map(([site, value]) => [site.slice(sublayer.length + 1), value])) as Given<Name>;
}

/** The value of a block at a site: [batch, …]. */
export function valueAt(block: Block, site: BlockSite): tf.Tensor {
  const [sublayer, value] = site.split(".") as ["self" | "cross" | "mlp", string | undefined];
  const values = (value === undefined ? block.stream : block[sublayer]) as Values<string>;
  return values[value ?? sublayer] as tf.Tensor;
}

/**
 * The stream through the blocks from layer `from`, whose input is `x`: the input of each, then the output of the last;
 * [layers - from + 1] of [batch, token, width].
 */
export function walk(blocks: readonly BlockFunction[], x: tf.Tensor, from = 0, given?: TowerGiven): tf.Tensor[] {
  return atOnce(walking(blocks, x, from, given));
}

/** The same in steps. */
export function* walking(
  blocks: readonly BlockFunction[],
  x: tf.Tensor,
  from = 0,
  given?: TowerGiven,
): Steps<tf.Tensor[]> {
  const stream = [x];
  // A tidy a layer: of all that it computes only its output lives on.
  for (let layer = from; layer < blocks.length; layer++) {
    stream.push(tf.tidy(() => blocks[layer]!(stream.at(-1)!, { given: given?.get(layer) }).stream.resid_post));
    yield;
  }
  return stream;
}

/** The stream of a block without cross-attention that normalises before its sublayers, and adds what they give. */
export function addedStream(
  x: tf.Tensor,
  { self, mlp }: Pick<Block, "self" | "mlp">,
  given: BlockGiven,
): Block["stream"] {
  return define<StreamValue>(
    {
      resid_pre: () => x,
      resid_mid: ({ resid_pre }) => tf.add(resid_pre, self.out),
      resid_cross: ({ resid_mid }) => resid_mid,
      resid_post: ({ resid_cross }) => tf.add(resid_cross, mlp.out),
    },
    given,
  );
}
