import type { TowerName } from "../../src/model/architectures.js";

// A circuit in a BLIP whose every other head writes nothing that anybody reads. The stream is a carrier and orthogonal
// directions beside it, all of mean zero: LayerNorm (weight 1, bias 0) then only scales, so the ratio of a direction to
// the carrier passes through it unchanged, in the text towers' post-LN too. Every quantity is odd in the picture's
// signal, which is 1 in the clean picture and -1 in the corrupted one: what carries the signal restores all of the
// answer, exactly.

export const SHAPE = { heads: 4, headDim: 8, visionLayers: 2, textLayers: 3, mlp: 16, grid: 2 };
export const WIDTH = SHAPE.heads * SHAPE.headDim;
export const PATCH = 4;

/** Token ids of words that say which of two places of the picture is meant; other words say nothing. */
export const SAYING = { one: 7, other: 8 } as const;
/** What stands for a patch among the words of a model that has the picture there. */
export const IMAGE_TOKEN = 9;

/** The direction `i` is (e_2i - e_2i+1) / √2; the others are for what nobody reads. */
const DIRECTIONS = ["carrier", "signal", "mark", "content", "message", "answer"] as const;
type Direction = (typeof DIRECTIONS)[number];

export interface PlantedHead {
  readonly tower: TowerName;
  readonly kind: "self" | "cross";
  readonly layer: number;
  readonly head: number;
  /** What of the tokens it attends to it moves, and to where. */
  readonly value: readonly [from: Direction, to: Direction, gain: number];
  /** What decides where it attends to; without it, it attends to all tokens alike. */
  readonly query?: {
    readonly from: Direction;
    readonly gain: number;
    readonly bias?: number;
    /** The same as a gain of the carrier, where queries have no bias. */
    readonly carrier?: number;
  };
  readonly key?: Direction;
}

/** Adds `amount` of a direction to a row, or to a column, of a matrix. */
function add(values: Float32Array, direction: Direction, amount: number, at: number, stride: number): void {
  const first = 2 * DIRECTIONS.indexOf(direction);
  values[at + first * stride]! += amount * Math.SQRT1_2;
  values[at + (first + 1) * stride]! -= amount * Math.SQRT1_2;
}

/** Where attention weights stand: in BLIP's towers, in those that see for a tower of words, in that of words. */
const ATTENTION = [
  /^(?<vision>vision)_model\.encoder\.layers\.(?<layer>\d+)\.self_attn\.(?<part>qkv|projection)\.(?<form>\w+)$/,
  /^text_(?<text>encoder)\.encoder\.layer\.(?<layer>\d+)\.(?<cross>cross)?attention\.\w+\.(?<part>\w+)\.(?<form>\w+)$/,
  /^text_decoder\.bert\.encoder\.layer\.(?<layer>\d+)\.(?<cross>cross)?attention\.\w+\.(?<part>\w+)\.(?<form>\w+)$/,
  /(?<vision>vision)_model\.encoder\.layers\.(?<layer>\d+)\.self_attn\.(?<part>[qkv]|out)_proj\.(?<form>\w+)$/,
  /(?<text>text|language)_model\.(model\.)?layers\.(?<layer>\d+)\.self_attn\.(?<part>[qkvo])_proj\.(?<form>\w+)$/,
];
const INPUTS = { q: "query", query: "query", k: "key", key: "key", v: "value", value: "value" } as const;

/** What is planted, and what all other heads write. */
export interface Planting {
  readonly heads: readonly PlantedHead[];
  readonly noise: number;
  readonly random: () => number;
}

/** What a tensor of the checkpoint holds instead of its random values. */
export function write(planting: Planting, name: string, values: Float32Array): void {
  const groups = ATTENTION.map((one) => one.exec(name)?.groups).find((found) => found !== undefined);
  if (/norm/i.test(name)) values.fill(name.endsWith("weight") ? 1 : 0);
  else if (groups) {
    const { vision, text, layer, cross, part, form } = groups;
    const tower: TowerName = vision ? "vision" : text ? "text" : "decoder";
    const here = planting.heads.filter(
      (one) => one.tower === tower && one.layer === Number(layer) && (one.kind === "cross") === (cross !== undefined),
    );
    if (part === "qkv") {
      const third = values.length / 3;
      for (const [i, which] of (["query", "key", "value"] as const).entries())
        writeInput(here, which, form!, values.subarray(i * third, (i + 1) * third));
    } else if (part! in INPUTS) writeInput(here, INPUTS[part as keyof typeof INPUTS], form!, values);
    else writeOutput(here, planting, form!, values);
  } else writeRest(planting, name, values);
}

/** The dimension of a head that it uses: where positions are rotated, the one that is rotated least. */
const SLOT = SHAPE.headDim / 2 - 1;

/** Rows of W_Q, W_K or W_V [out, in] of the planted heads; the other heads keep their random ones. */
function writeInput(
  heads: readonly PlantedHead[],
  which: "query" | "key" | "value",
  kind: string,
  values: Float32Array,
): void {
  for (const { head, value, query, key } of heads) {
    const first = head * SHAPE.headDim;
    const row = first + SLOT;
    const width = kind === "weight" ? WIDTH : 1;
    values.fill(0, first * width, (first + SHAPE.headDim) * width);
    if (kind === "bias") values[row] = which === "query" ? (query?.bias ?? 0) : 0;
    else if (which === "value") add(values, value[0], value[2], row * WIDTH, 1);
    else if (which === "query" && query) {
      add(values, query.from, query.gain, row * WIDTH, 1);
      add(values, "carrier", query.carrier ?? 0, row * WIDTH, 1);
    } else if (which === "key" && key) add(values, key, 1, row * WIDTH, 1);
  }
}

/** Columns of W_O [out, in]: a planted head writes its direction, another what nobody reads. */
function writeOutput(
  heads: readonly PlantedHead[],
  { noise, random }: Planting,
  kind: string,
  values: Float32Array,
): void {
  values.fill(0);
  if (kind === "bias") return;
  writeUnread(values, WIDTH, noise, random);
  for (const { head, value } of heads)
    for (let column = head * SHAPE.headDim; column < (head + 1) * SHAPE.headDim; column++) {
      for (let row = 0; row < WIDTH; row++) values[row * WIDTH + column] = 0;
      if (column === head * SHAPE.headDim + SLOT) add(values, value[1], 1, column, WIDTH);
    }
}

/** Fills the rows [out, in] of unread directions, each with mean zero over `out`. */
function writeUnread(values: Float32Array, columns: number, noise: number, random: () => number): void {
  for (let row = 2 * DIRECTIONS.length; row < WIDTH; row += 2)
    for (let column = 0; column < columns; column++) {
      const amount = noise * (random() - 0.5);
      values[row * columns + column] = amount;
      values[(row + 1) * columns + column] = -amount;
    }
}

function writeRest({ noise, random }: Planting, name: string, values: Float32Array): void {
  if (/(fc1|intermediate\.dense|gate_proj|up_proj)\.(weight|bias)$/.test(name)) return;
  values.fill(0);
  const carriers = (from = 0) => {
    for (let row = from; row < values.length / WIDTH; row++) add(values, "carrier", Math.sqrt(WIDTH), row * WIDTH, 1);
  };
  if (name.endsWith("patch_embedding.weight")) {
    // [width, channel, y, x], of which the first pixel is looked at.
    const channel = PATCH * PATCH;
    for (const [i, direction] of (["signal", "mark", "content"] as const).entries())
      add(values, direction, 2, i * channel, 3 * channel);
  } else if (/class_embedding$|position_embedding\.weight$/.test(name)) carriers();
  else if (name.endsWith("position_embedding")) carriers(1);
  else if (/(word_embeddings|embed_tokens)\.weight$/.test(name)) {
    carriers();
    add(values, "message", SAID, SAYING.one * WIDTH, 1);
    add(values, "message", -SAID, SAYING.other * WIDTH, 1);
  } else if (/(fc2|output\.dense|down_proj)\.weight$/.test(name)) writeUnread(values, SHAPE.mlp, noise, random);
  else writeEnds(name, values);
}

/** How much of a message a word carries. */
const SAID = 1.2;

/** What stands between towers, and what reads the answer. */
function writeEnds(name: string, values: Float32Array): void {
  if (name.endsWith("transform.dense.weight")) {
    // Two units read the answer, with both signs.
    add(values, "answer", 1, 0, 1);
    add(values, "answer", -1, WIDTH, 1);
  } else if (name.endsWith("transform.dense.bias"))
    values[2] = 4; // A third makes LayerNorm's scale nearly constant.
  else if (name.endsWith("predictions.decoder.weight")) {
    values[4 * WIDTH] = 1;
    values[5 * WIDTH + 1] = 1;
  } else if (name.endsWith("lm_head.weight")) {
    add(values, "answer", 1, 4 * WIDTH, 1);
    add(values, "answer", -1, 5 * WIDTH, 1);
  } else if (name === "itm_head.weight") {
    // No match, match.
    add(values, "answer", -1, 0, 1);
    add(values, "answer", 1, WIDTH, 1);
  } else if (name.endsWith("modality_projection.proj.weight"))
    for (let row = 0; row < WIDTH; row++) values[row * WIDTH + row] = 1;
  else if (/projector\.linear_[12]\.weight$/.test(name))
    // gelu(x) - gelu(-x) = x: two units for each direction.
    for (const [i, direction] of DIRECTIONS.entries())
      for (const [unit, sign] of [
        [2 * i, 1],
        [2 * i + 1, -1],
      ] as const)
        if (name.endsWith("1.weight")) add(values, direction, sign, unit * WIDTH, 1);
        else add(values, direction, sign, unit, WIDTH);
}
