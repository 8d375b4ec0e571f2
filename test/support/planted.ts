import * as tf from "@tensorflow/tfjs-core";
import { randomConfig, randomModel, randomWeights, seeded } from "../../bench/random-model.js";
import { disposeWeights } from "../../src/checkpoint/weights.js";
import type { Network } from "../../src/model/architecture.js";
import { readConfig, type TowerName } from "../../src/model/architectures.js";
import type { HeadAt } from "../../src/patching/faithful.js";
import { Pair } from "../../src/patching/pair.js";
import type { Question } from "../../src/patching/positions.js";
import { type CircuitSite, circuitSites } from "../../src/patching/sites.js";
import { useBackend } from "../../src/platform/backend.js";
import { CIRCUIT_SITES } from "./blip-vqa.js";

// A circuit in a BLIP whose every other head writes nothing that anybody reads. The stream is a carrier and orthogonal
// directions beside it, all of mean zero: LayerNorm (weight 1, bias 0) then only scales, so the ratio of a direction to
// the carrier passes through it unchanged, in the text towers' post-LN too. Every quantity is odd in the picture's
// signal, which is 1 in the clean picture and -1 in the corrupted one: what carries the signal restores all of the
// answer, exactly.

const SHAPE = { heads: 4, headDim: 8, visionLayers: 2, textLayers: 3, mlp: 16, grid: 2 };
const WIDTH = SHAPE.heads * SHAPE.headDim;
const PATCH = 4;

/** The direction `i` is (e_2i - e_2i+1) / √2; the others are for what nobody reads. */
const DIRECTIONS = ["carrier", "signal", "mark", "content", "message", "answer"] as const;
type Direction = (typeof DIRECTIONS)[number];

interface PlantedHead {
  readonly tower: TowerName;
  readonly kind: "self" | "cross";
  readonly layer: number;
  readonly head: number;
  /** What of the tokens it attends to it moves, and to where. */
  readonly value: readonly [from: Direction, to: Direction, gain: number];
  /** What decides where it attends to; without it, it attends to all tokens alike. */
  readonly query?: { readonly from: Direction; readonly gain: number; readonly bias?: number };
  readonly key?: Direction;
}

const head = (
  tower: TowerName,
  kind: "self" | "cross",
  [layer, at]: readonly [number, number],
  value: PlantedHead["value"],
  rest: Pick<PlantedHead, "query" | "key"> = {},
): PlantedHead => ({ tower, kind, layer, head: at, value, ...rest });

/** Of every circuit: brings the text encoder's answer to the decoder. */
const READER = head("decoder", "cross", [1, 0], ["answer", "answer", 1]);
/** Looks at one of two places of the picture, where constant contents are, as the message says. */
const chooser = (at: readonly [number, number], gain: number, bias = 0) =>
  head("text", "cross", at, ["content", "answer", 1], { query: { from: "message", gain, bias }, key: "mark" });

export const CIRCUITS = {
  single: [head("text", "cross", [1, 2], ["signal", "answer", 3])],
  sequence: [head("text", "cross", [0, 1], ["signal", "message", 3]), chooser([2, 3], 2)],
  /** The chooser's softmax is so steep that its gradient vanishes. */
  saturated: [head("text", "cross", [0, 1], ["signal", "message", 3]), chooser([2, 3], 40)],
  /** Either suffices: the chooser asks for one of them. */
  twins: [
    head("text", "cross", [0, 0], ["signal", "message", 2]),
    head("text", "cross", [0, 3], ["signal", "message", 2]),
    chooser([2, 1], 40, 40),
  ],
  negative: [
    head("text", "cross", [0, 1], ["signal", "answer", 3]),
    head("text", "cross", [2, 0], ["signal", "answer", -1]),
  ],
  /**
   * In the corrupted pass the second's attention is even, and takes back as steeply what the first adds; in the clean
   * pass it is spent.
   */
  cancelling: [
    head("text", "cross", [0, 1], ["signal", "answer", 3]),
    head("text", "cross", [2, 3], ["content", "answer", -0.5745287], {
      query: { from: "answer", gain: 4, bias: 4.4375825 },
      key: "mark",
    }),
  ],
  selfAfterCross: [
    head("text", "cross", [0, 2], ["signal", "message", 3]),
    head("text", "self", [1, 1], ["message", "answer", 1]),
  ],
  vision: [
    head("vision", "self", [0, 3], ["signal", "message", 3]),
    head("text", "cross", [1, 0], ["message", "answer", 1]),
  ],
} satisfies Record<string, PlantedHead[]>;

export type CircuitName = keyof typeof CIRCUITS;

export interface Planted {
  readonly model: Network;
  readonly pair: Pair;
  /** Another pair of the model, its signal as strong as this beside that of `pair`. Whoever makes it disposes of it. */
  makePair(signal?: number): Promise<Pair>;
  /** The circuit. */
  readonly heads: readonly HeadAt[];
  /** Every head there is, and whether it is in the circuit. */
  readonly all: readonly (HeadAt & { readonly positive: boolean })[];
  [Symbol.dispose](): void;
}

/**
 * A model with a circuit in it, and its pair.
 *
 * @param noise what all other heads and the MLPs write, into directions that the circuit does not read.
 */
export async function plant(circuit: CircuitName, noise = 0, seed = 1): Promise<Planted> {
  await useBackend();
  const planted: PlantedHead[] = [...CIRCUITS[circuit], READER];
  const random = seeded(seed);
  const model = await randomModel(SHAPE, random, (name, values) => write(planted, noise, random, name, values));
  return plantedIn(model, circuit, planted, CIRCUIT_SITES);
}

/** The other heads of the family: what they answer is read from the tower that sees the picture. */
const WITHOUT_READER = {
  BlipForImageTextRetrieval: { tower: "text", answers: [1, 0] },
  BlipForConditionalGeneration: { tower: "decoder", answers: [4, 5] },
} as const;

/** The same circuit in a model that matches, or writes captions. */
export async function plantInFamily(
  className: keyof typeof WITHOUT_READER,
  circuit: CircuitName,
  noise = 0,
  seed = 1,
): Promise<Planted> {
  await useBackend();
  const { tower, answers } = WITHOUT_READER[className];
  const planted = CIRCUITS[circuit].map((one) => (one.tower === "text" ? { ...one, tower } : one)) as PlantedHead[];
  const random = seeded(seed);
  const json = JSON.stringify({ ...randomConfig(SHAPE), architectures: [className] });
  const { architecture, config } = readConfig(json, "planted");
  const change = (name: string, values: Float32Array) => write(planted, noise, random, name, values);
  const weights = await randomWeights(architecture.checkpoint, config, random, change);
  return plantedIn({ architecture, config, weights }, circuit, planted, circuitSites(architecture), answers);
}

async function plantedIn(
  model: Network,
  circuit: CircuitName,
  planted: readonly PlantedHead[],
  sites: readonly CircuitSite[],
  [correct, incorrect]: readonly [number, number] = [4, 5],
): Promise<Planted> {
  const makePair = (signal = 1) => pairOf(model, circuit, [correct, incorrect], signal);
  const pair = await makePair();
  const heads = planted.map(({ tower, kind, layer, head }) => ({
    site: `${tower}.${kind}.z` as HeadAt["site"],
    layer,
    head,
  }));
  const isPlanted = ({ site, layer, head }: HeadAt) =>
    heads.some((one) => one.site === site && one.layer === layer && one.head === head);
  return {
    model,
    pair,
    makePair,
    heads,
    all: everyHead(sites).map((place) => ({ ...place, positive: isPlanted(place) })),
    [Symbol.dispose]() {
      pair[Symbol.dispose]();
      disposeWeights(model.weights);
    },
  };
}

async function pairOf(
  model: Network,
  modelName: string,
  [correct, incorrect]: readonly [number, number],
  signal: number,
): Promise<Pair> {
  const [pixels, corruptPixels] = [picture(signal), picture(-signal)];
  const ids = [3, 4, 5, 6];
  const question: Question = { text: "", ids, tokens: ids.map(String), find: () => [[1]] };
  const answer = (id: number) => ({ text: String(id), token: String(id), id });
  const answers = { correct: answer(correct), incorrect: answer(incorrect) };
  const pair = await Pair.of(model, { modelName, pixels, corruptPixels, question, answers });
  tf.dispose([pixels, corruptPixels]);
  return pair;
}

function everyHead(sites: readonly CircuitSite[]): HeadAt[] {
  return sites.flatMap((site) =>
    Array.from({ length: site.startsWith("vision") ? SHAPE.visionLayers : SHAPE.textLayers }, (_, layer) =>
      Array.from({ length: SHAPE.heads }, (_, head) => ({ site, layer, head })),
    ).flat(),
  );
}

/**
 * The signal in the first patch; in two others a mark and a content, opposite ones. Channels: signal, mark, content.
 */
function picture(signal: number): tf.Tensor {
  const side = SHAPE.grid * PATCH;
  const pixels = new Float32Array(side * side * 3);
  const set = (patch: number, channel: number, value: number) => {
    const [row, column] = [Math.floor(patch / SHAPE.grid) * PATCH, (patch % SHAPE.grid) * PATCH];
    pixels[(row * side + column) * 3 + channel] = value;
  };
  set(0, 0, signal);
  for (const [patch, value] of [
    [1, 1],
    [2, -1],
  ] as const)
    for (const channel of [1, 2]) set(patch, channel, value);
  return tf.tensor4d(pixels, [1, side, side, 3]);
}

/** Adds `amount` of a direction to a row, or to a column, of a matrix. */
function add(values: Float32Array, direction: Direction, amount: number, at: number, stride: number): void {
  const first = 2 * DIRECTIONS.indexOf(direction);
  values[at + first * stride]! += amount * Math.SQRT1_2;
  values[at + (first + 1) * stride]! -= amount * Math.SQRT1_2;
}

const ATTENTION =
  /^(?:(vision)_model\.encoder\.layers|text_(encoder)\.encoder\.layer|text_(decoder)\.bert\.encoder\.layer)\.(\d+)\.(self_attn|attention|crossattention)\.(.*)\.(weight|bias)$/;

/** What a tensor of the checkpoint holds instead of its random values. */
function write(planted: PlantedHead[], noise: number, random: () => number, name: string, values: Float32Array): void {
  const attention = ATTENTION.exec(name);
  if (/norm/i.test(name)) values.fill(name.endsWith("weight") ? 1 : 0);
  else if (attention) {
    const [, vision, encoder, , layer, module, part, kind] = attention;
    const tower: TowerName = vision ? "vision" : encoder ? "text" : "decoder";
    const here = planted.filter(
      (one) =>
        one.tower === tower && one.layer === Number(layer) && (one.kind === "cross") === (module === "crossattention"),
    );
    if (/projection|output/.test(part!)) writeOutput(here, noise, random, kind!, values);
    else if (part === "qkv") {
      const third = values.length / 3;
      for (const [i, which] of (["query", "key", "value"] as const).entries())
        writeInput(here, which, kind!, values.subarray(i * third, (i + 1) * third));
    } else writeInput(here, part!.split(".").at(-1) as "query" | "key" | "value", kind!, values);
  } else writeRest(name, noise, random, values);
}

/** Rows of W_Q, W_K or W_V [out, in] of the planted heads; the other heads keep their random ones. */
function writeInput(heads: PlantedHead[], which: "query" | "key" | "value", kind: string, values: Float32Array): void {
  for (const { head, value, query, key } of heads) {
    const row = head * SHAPE.headDim;
    const width = kind === "weight" ? WIDTH : 1;
    values.fill(0, row * width, (row + SHAPE.headDim) * width);
    if (kind === "bias") values[row] = which === "query" ? (query?.bias ?? 0) : 0;
    else if (which === "value") add(values, value[0], value[2], row * WIDTH, 1);
    else if (which === "query" && query) add(values, query.from, query.gain, row * WIDTH, 1);
    else if (which === "key" && key) add(values, key, 1, row * WIDTH, 1);
  }
}

/** Columns of W_O [out, in]: a planted head writes its direction, another what nobody reads. */
function writeOutput(heads: PlantedHead[], noise: number, random: () => number, kind: string, values: Float32Array) {
  values.fill(0);
  if (kind === "bias") return;
  writeUnread(values, WIDTH, noise, random);
  for (const { head, value } of heads)
    for (let column = head * SHAPE.headDim; column < (head + 1) * SHAPE.headDim; column++) {
      for (let row = 0; row < WIDTH; row++) values[row * WIDTH + column] = 0;
      if (column === head * SHAPE.headDim) add(values, value[1], 1, column, WIDTH);
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

function writeRest(name: string, noise: number, random: () => number, values: Float32Array): void {
  const rows = (width: number, from: number, fill: (row: number) => void) => {
    values.fill(0);
    for (let row = from; row < values.length / width; row++) fill(row);
  };
  const carrier = (row: number) => add(values, "carrier", Math.sqrt(WIDTH), row * WIDTH, 1);
  if (name.endsWith("patch_embedding.weight")) {
    values.fill(0);
    // [width, channel, y, x], of which the first pixel is looked at.
    const channel = PATCH * PATCH;
    for (const [i, direction] of (["signal", "mark", "content"] as const).entries())
      add(values, direction, 2, i * channel, 3 * channel);
  } else if (name.endsWith("class_embedding")) rows(WIDTH, 0, carrier);
  else if (name.endsWith("position_embedding")) rows(WIDTH, 1, carrier);
  else if (name.endsWith("word_embeddings.weight")) rows(WIDTH, 0, carrier);
  else if (name.endsWith("transform.dense.weight")) {
    // Two units read the answer, with both signs.
    values.fill(0);
    add(values, "answer", 1, 0, 1);
    add(values, "answer", -1, WIDTH, 1);
  } else if (name.endsWith("transform.dense.bias")) {
    // A third makes LayerNorm's scale nearly constant.
    values.fill(0);
    values[2] = 4;
  } else if (name.endsWith("predictions.decoder.weight")) {
    values.fill(0);
    values[4 * WIDTH] = 1;
    values[5 * WIDTH + 1] = 1;
  } else if (name === "itm_head.weight") {
    // No match, match.
    values.fill(0);
    add(values, "answer", -1, 0, 1);
    add(values, "answer", 1, WIDTH, 1);
  } else if (/(fc2|output\.dense)\.weight$/.test(name)) {
    values.fill(0);
    writeUnread(values, SHAPE.mlp, noise, random);
  } else if (/(fc1|intermediate\.dense)\.(weight|bias)$/.test(name)) return;
  else values.fill(0);
}
