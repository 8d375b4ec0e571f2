import type * as tf from "@tensorflow/tfjs-core";
import type { CheckpointFiles } from "../base/source.js";
import type { Checkpoint, ModelConfig } from "../checkpoint/format.js";
import type { Reader, ReaderOptions } from "../words/reader.js";
import type { Beside, Block, BlockSite, Rewrites } from "./blocks/block.js";
import type { AttentionWeights, KeysValues } from "./kernels/attention.js";
import type { Matrix } from "./kernels/linear.js";

// The contract of an architecture: what one file states about a model, and nothing else in the package knows.

/** What a model is and what it has learned. */
export interface Learned<Config = ModelConfig, Weights = object> {
  readonly config: Config;
  readonly weights: Weights;
}

/** A model as data. */
export interface Network<Arch extends Architecture = Architecture> extends Learned {
  readonly architecture: Arch;
  /** Bytes left for the values of passes, where that is known. */
  readonly memory?: number | undefined;
  /** Of a model that has the picture among its words. */
  readonly reader?: Reader | undefined;
}

/**
 * Pixels [batch · tile, height, width, 3], normalised, and ids [batch, token], int32. One picture may serve many texts.
 */
export interface Inputs {
  /** Left out where another pass has seen the picture. */
  readonly pixels?: tf.Tensor;
  readonly ids: tf.Tensor;
  /** Where among the ids another tower's rows are put, for a tower that `takes` them. */
  readonly places?: readonly number[];
}

/**
 * What stands at a tower's positions: the patches of the picture, the words that somebody asked, or what an answer
 * begins with, which is the same whatever is asked.
 */
export type Tokens = "image" | "question" | "answer";

/** A tower's shape. */
export interface TowerSize {
  readonly layers: number;
  readonly heads: number;
  /** Heads of keys and values, where several query heads share them. Default: as many as heads. */
  readonly keyValueHeads?: number;
  /** Default: the width by the heads. */
  readonly headDim?: number;
  readonly width: number;
  readonly mlpWidth: number;
}

/** A tower's shape from its config, by the names that Hugging Face has for it. */
export const sizeOf = (
  config: Readonly<Record<"num_hidden_layers" | "num_attention_heads" | "hidden_size" | "intermediate_size", number>>,
): TowerSize => ({
  layers: config.num_hidden_layers,
  heads: config.num_attention_heads,
  width: config.hidden_size,
  mlpWidth: config.intermediate_size,
});

/** What a layer's cross-attention attends to: rows [batch, token, width], or keys and values projected before. */
export type Context = tf.Tensor | KeysValues;

/** How a tower's cross-attention sees another tower. */
interface Attends<Config, Weights> {
  /** Whose finished stream it is. */
  readonly tower: string;
  /** From the last stream to the rows that are attended to, both [batch, token, width]. Default: the stream itself. */
  rows?(model: Learned<Config, Weights>, last: tf.Tensor): tf.Tensor;
  /**
   * A layer's cross-attention, where its keys and values are projected once a pass and shared by all patches: right
   * where the rows are many. Default: each layer attends to the rows.
   */
  projection?(model: Learned<Config, Weights>, layer: number): AttentionWeights;
}

/** What a tower has among its own tokens of another. */
export interface Takes<Config, Weights> {
  /** Whose finished stream it is. */
  readonly tower: string;
  /** From its last stream to the rows that are put, [batch, token, width]. */
  rows(model: Learned<Config, Weights>, last: tf.Tensor): tf.Tensor;
  /** The row that one of its positions goes into; undefined where it goes into none. */
  rowOf(config: Config, token: number): number | undefined;
  /** The id of the tokens whose embeddings they stand in for. */
  token(config: Config): number;
}

/** A stack of blocks that one stream passes through. */
export interface Tower<Config = ModelConfig, Weights = object> {
  readonly tokens: Tokens;
  /**
   * Tokens see only earlier ones: a change at one reaches, in the next layer, only it and those after it. Its block
   * takes a `past`, and where an answer is read from such a tower it is read at its last token.
   */
  readonly causal: boolean;
  /** What a block computes, in that order. */
  readonly sites: readonly BlockSite[];
  readonly attends?: Attends<Config, Weights>;
  readonly takes?: Takes<Config, Weights>;
  size(config: Config): TowerSize;
  /** Names of its positions, where they are not the question's. @param tiles of the picture, 1 by default. */
  names(config: Config, tiles?: number): readonly string[];
  /** The first block's input, [batch, token, width]. */
  embed(model: Learned<Config, Weights>, inputs: Inputs): tf.Tensor;
  /** The values of a layer whose input is `x`: of a causal tower, the tokens after those of `past`. */
  block(
    model: Learned<Config, Weights>,
    layer: number,
    x: tf.Tensor,
    beside: Beside & { readonly context?: Context },
  ): Block;
  /** Keys of the first tokens, [batch, token, head, headDim], turned by their positions, where attention turns them. */
  turned?(model: Learned<Config, Weights>, keys: tf.Tensor): tf.Tensor;
  /** A layer's attention weights by kind, whose columns are its heads one after the other. */
  attention(model: Learned<Config, Weights>, layer: number): Readonly<Partial<Record<"self" | "cross", HeadMatrices>>>;
}

/** Of one attention: [in, out] each, whatever biases stand beside them. */
interface HeadMatrices {
  readonly query: Matrix;
  readonly key: Matrix;
  readonly value: Matrix;
  readonly output: Matrix;
}

/** From the last stream of a tower to what the model answers. */
export interface Readout<Config = ModelConfig, Weights = object> {
  readonly tower: string;
  /** The token that it is read at. Default: the last. */
  readonly token?: "first";
  /** How many answers there are to choose from: the vocabulary, or classes. */
  choices(config: Config): number;
  /** [batch, token, width] -> [batch, choice]. */
  logits(model: Learned<Config, Weights>, last: tf.Tensor): tf.Tensor2D;
  /** Names of the choices where they are classes; without them they are tokens. */
  readonly classes?: readonly string[];
  /**
   * What the model says to each row of a pass: the ids of tokens, or of a class.
   *
   * @param ends the last stream of every tower, [batch, token, width]. @param ids of the texts, one a row.
   * @param rewrites in the tower that is read, at every step where it says more than one token.
   */
  say(
    model: Learned<Config, Weights>,
    ends: Readonly<Record<string, tf.Tensor>>,
    ids: readonly (readonly number[])[],
    rewrites?: Rewrites,
  ): Promise<number[][]>;
  /**
   * How alike picture and text are where a model also compares them without attention: a cosine for each row of a pass,
   * [batch]. Its parameters are those of `say`.
   */
  similarity?(
    model: Learned<Config, Weights>,
    ends: Readonly<Record<string, tf.Tensor>>,
    ids: readonly (readonly number[])[],
  ): tf.Tensor;
}

/** What a model takes in. */
export interface Intake<Config = ModelConfig> {
  /** Pictures are squares of so many pixels a side, cut into `patch` a side. */
  image(config: Config): { readonly side: number; readonly patch: number };
  /** A text has at most so many tokens, [CLS] and [SEP] among them. */
  maxTokens(config: Config): number;
  /** From the ids of a text, [CLS] first and [SEP] last, to those that a tower begins with. Default: the same. */
  begins?(config: Config, ids: readonly number[]): readonly number[];
  /** There may be no text at all. */
  readonly optional?: boolean;
  /** Ids of tokens are below it. */
  vocabulary(config: Config): number;
  /** How pictures and questions become inputs. Default: BERT's word pieces, and a picture resized whole. */
  reader?(files: CheckpointFiles, config: Config, options: ReaderOptions): Promise<Reader>;
}

/** A kind of model. */
export interface Architecture<Config = ModelConfig, Weights = object> {
  readonly name: string;
  readonly checkpoint: Checkpoint<Config>;
  readonly intake: Intake<Config>;
  /** In the order in which data passes through them. */
  readonly towers: { readonly [name: string]: Tower<Config, Weights> };
  readonly readout: Readout<Config, Weights>;
}

/** By tower: the input of every block, then the output of the last, [layers + 1] of [batch, token, width]. */
export type Streams = Readonly<Record<string, readonly tf.Tensor[]>>;

/** The towers of an architecture by name, in order. */
export const towersOf = ({ architecture }: Network): [string, Tower][] => Object.entries(architecture.towers);

/** @param name one of the architecture's. */
export const towerOf = ({ architecture }: Pick<Network, "architecture">, name: string): Tower =>
  architecture.towers[name]!;

/** The tower from which a tower gets what it reads, if any. */
export const upstreamOf = ({ attends, takes }: Tower): string | undefined => attends?.tower ?? takes?.tower;

/** A tower's shape by its name. */
export const towerSize = (model: Network, name: string): TowerSize => towerOf(model, name).size(model.config);

/** The shape of every tower, by name, with nothing left to a default. */
export function towerSizes(model: Network): Record<string, Required<TowerSize>> {
  const sizes = towersOf(model).map(([name, { size }]) => {
    const { heads, width, ...given } = size(model.config);
    return [name, { keyValueHeads: heads, headDim: width / heads, heads, width, ...given }] as const;
  });
  return Object.fromEntries(sizes);
}
