import * as tf from "@tensorflow/tfjs-core";
import { randomConfig, randomWeights, seeded } from "../../bench/random-model.js";
import { disposeWeights } from "../../src/checkpoint/weights.js";
import type { Network } from "../../src/model/architecture.js";
import { readConfig, type TowerName } from "../../src/model/architectures.js";
import { everyHead } from "../../src/patching/head-effects.js";
import { type HeadAt, siteHeadName } from "../../src/patching/head-place.js";
import { Pair } from "../../src/patching/pair.js";
import type { Question } from "../../src/patching/positions.js";
import { circuitSites } from "../../src/patching/sites.js";
import { useBackend } from "../../src/platform/backend.js";
import { IMAGE_TOKEN, PATCH, type PlantedHead, SAYING, SHAPE, WIDTH, write } from "./planted-weights.js";

// A circuit in a BLIP whose every other head writes nothing that anybody reads. The stream is a carrier and orthogonal
// directions beside it, all of mean zero: LayerNorm (weight 1, bias 0) then only scales, so the ratio of a direction to
// the carrier passes through it unchanged, in the text towers' post-LN too. Every quantity is odd in the picture's
// signal, which is 1 in the clean picture and -1 in the corrupted one: what carries the signal restores all of the
// answer, exactly.

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
  /** The question says at which of two places: either the picture or the question may be corrupted. */
  asked: [chooser([1, 2], 2)],
  vision: [
    head("vision", "self", [0, 3], ["signal", "message", 3]),
    head("text", "cross", [1, 0], ["message", "answer", 1]),
  ],
} satisfies Record<string, PlantedHead[]>;

export type CircuitName = keyof typeof CIRCUITS;

/** What becomes of a pair's picture, or of what is asked. */
export type PlantedCorruption = "image" | "mean" | "text" | ((clean: tf.Tensor4D) => tf.Tensor4D);

export interface Planted {
  readonly model: Network;
  readonly pair: Pair;
  /**
   * Another pair of the model, its signal as strong as this beside that of `pair`. Whoever makes it disposes of it.
   *
   * @param corruption `image`: the picture of the other answer. `mean`: the mean of both. `text`: the other words,
   * which say something to the circuit `asked` only. Default: `image`.
   */
  makePair(signal?: number, corruption?: PlantedCorruption): Promise<Pair>;
  /** The circuit. */
  readonly heads: readonly HeadAt[];
  /** Every head there is, and whether it is in the circuit. */
  readonly all: readonly (HeadAt & { readonly positive: boolean })[];
  [Symbol.dispose](): void;
}

/** Where a planted model has what the question's tower of BLIP has, and what it answers. */
interface Kind {
  readonly config: object;
  /** Of a circuit's head in the text tower. */
  readonly text: TowerName;
  readonly reader: boolean;
  /** The picture stands among the words: no cross-attention. */
  readonly among: boolean;
  readonly answers: readonly [correct: number, incorrect: number];
}

const BLIP = { config: randomConfig(SHAPE), text: "text", reader: false, among: false, answers: [4, 5] } as const;
const SEEN = { hidden_size: WIDTH, intermediate_size: SHAPE.mlp, num_attention_heads: SHAPE.heads };
const AMONG = {
  ...BLIP,
  among: true,
  config: {
    image_token_id: IMAGE_TOKEN,
    scale_factor: 1,
    vision_feature_layer: -1,
    vision_config: {
      ...SEEN,
      num_hidden_layers: SHAPE.visionLayers,
      image_size: SHAPE.grid * PATCH,
      patch_size: PATCH,
    },
    // So slow a rotation turns nothing in what is planted.
    text_config: { ...SEEN, num_hidden_layers: SHAPE.textLayers, vocab_size: 20, rope_theta: 1e12 },
  },
} as const;

/** By the name of its class. */
const KINDS = {
  BlipForQuestionAnswering: { ...BLIP, reader: true },
  BlipForImageTextRetrieval: { ...BLIP, answers: [1, 0] },
  BlipForConditionalGeneration: { ...BLIP, text: "decoder" },
  Idefics3ForConditionalGeneration: AMONG,
  LlavaForConditionalGeneration: AMONG,
} as const satisfies Record<string, Kind>;

export type PlantedClass = keyof typeof KINDS;
export const PLANTED_CLASSES = Object.keys(KINDS) as PlantedClass[];

/** A BLIP for question answering with a circuit in it, and its pair. */
export const plant = (circuit: CircuitName, noise = 0, seed = 1) =>
  plantIn("BlipForQuestionAnswering", circuit, noise, seed);

/**
 * A model with a circuit in it, and its pair.
 *
 * @param noise what all other heads and the MLPs write, into directions that the circuit does not read.
 */
export async function plantIn(className: PlantedClass, circuit: CircuitName, noise = 0, seed = 1): Promise<Planted> {
  await useBackend();
  const kind: Kind = KINDS[className];
  const heads = [...CIRCUITS[circuit], ...(kind.reader ? [READER] : [])].map((one) => placed(one, kind));
  const random = seeded(seed);
  const { architecture, config } = readConfig(
    JSON.stringify({ ...kind.config, architectures: [className] }),
    "planted",
  );
  const change = (name: string, values: Float32Array) => write({ heads, noise, random }, name, values);
  const weights = await randomWeights(architecture.checkpoint, config, random, change);
  return plantedIn({ architecture, config, weights }, circuit, heads, kind);
}

/** A head of a circuit, where this model has it. */
function placed(one: PlantedHead, { text, among }: Kind): PlantedHead {
  const { query } = one;
  const carrier = among && query ? { ...query, carrier: (query.bias ?? 0) / Math.sqrt(WIDTH) } : query;
  const tower = one.tower === "text" ? text : one.tower;
  return { ...one, tower, ...(among ? { kind: "self", query: carrier } : {}) };
}

async function plantedIn(
  model: Network,
  circuit: CircuitName,
  planted: readonly PlantedHead[],
  kind: Kind,
): Promise<Planted> {
  const makePair = (signal = 1, corruption: PlantedCorruption = "image") =>
    pairOf(model, { circuit, kind, signal, corruption });
  const pair = await makePair();
  const heads = planted.map(({ tower, kind, layer, head }) => ({
    site: `${tower}.${kind}.z` as HeadAt["site"],
    layer,
    head,
  }));
  const names = new Set(heads.map(siteHeadName));
  return {
    model,
    pair,
    makePair,
    heads,
    all: everyHead(pair, circuitSites(model.architecture)).map((one) => ({
      ...one,
      positive: names.has(siteHeadName(one)),
    })),
    [Symbol.dispose]() {
      pair[Symbol.dispose]();
      disposeWeights(model.weights);
    },
  };
}

async function pairOf(
  model: Network,
  {
    circuit,
    kind,
    signal,
    corruption,
  }: { circuit: CircuitName; kind: Kind; signal: number; corruption: PlantedCorruption },
): Promise<Pair> {
  const pixels = picture(circuit, signal);
  const corruptPixels =
    typeof corruption === "function"
      ? corruption(pixels)
      : corruption === "text"
        ? undefined
        : picture(circuit, corruption === "mean" ? 0 : -signal);
  const answer = (id: number) => ({ text: String(id), token: String(id), id });
  const [correct, incorrect] = kind.answers;
  const asked = circuit === "asked" ? SAYING.one : undefined;
  try {
    return await Pair.of(model, {
      modelName: circuit,
      pixels,
      corruptPixels,
      question: questionOf(kind, asked),
      corruptQuestion: corruption === "text" ? questionOf(kind, SAYING.other) : undefined,
      answers: { correct: answer(correct), incorrect: answer(incorrect) },
    });
  } finally {
    tf.dispose([pixels, ...(corruptPixels ? [corruptPixels] : [])]);
  }
}

/** As many tokens as the picture and [CLS] have, where they are among them. */
function questionOf({ among }: Kind, word: number | undefined): Question {
  const image = among ? Array.from({ length: SHAPE.grid ** 2 }, (_, i) => i) : undefined;
  const words = word === undefined ? [3, 4, 5, 6] : [word, word, word, word];
  const ids = image ? [...image.map(() => IMAGE_TOKEN), words[1]!] : words;
  return { text: "", ids, tokens: ids.map(String), image, find: () => [[among ? ids.length - 1 : 1]] };
}

/**
 * The signal in the first patch; in two others a mark and a content, opposite ones. Channels: signal, mark, content.
 *
 * @param signal where the question tells which place is meant, the content.
 */
function picture(circuit: CircuitName, signal: number): tf.Tensor4D {
  const side = SHAPE.grid * PATCH;
  const pixels = new Float32Array(side * side * 3);
  const set = (patch: number, channel: number, value: number) => {
    const [row, column] = [Math.floor(patch / SHAPE.grid) * PATCH, (patch % SHAPE.grid) * PATCH];
    pixels[(row * side + column) * 3 + channel] = value;
  };
  const asked = circuit === "asked";
  set(0, 0, asked ? 0 : signal);
  for (const [patch, value] of [
    [1, 1],
    [2, -1],
  ] as const) {
    set(patch, 1, value);
    set(patch, 2, asked ? value * signal : value);
  }
  return tf.tensor4d(pixels, [1, side, side, 3]);
}
