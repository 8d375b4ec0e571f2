import { mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { placesByName } from "../src/checkpoint/place.js";
import { ARCHITECTURES, readConfig } from "../src/model/architectures.js";

/** Those that there is a base checkpoint of. */
export const BASE_ARCHITECTURES = ["blip-vqa", "blip-itm"] as const;
export type BaseArchitecture = (typeof BASE_ARCHITECTURES)[number];

/**
 * The shape of Salesforce/blip-vqa-base and blip-itm-base-coco: 12 layers of 12 heads x 64 in every tower, 384 x 384
 * pixels.
 */
const BASE_CONFIG = {
  model_type: "blip",
  vision_config: {},
  text_config: { num_attention_heads: 12, encoder_hidden_size: 768 },
};

/**
 * Writes a checkpoint of that shape with random weights: 1.45 GB, which no repository holds. Weights are N(0, 0.02²)
 * from one block of numbers read at shifting offsets, LayerNorms near the identity; speed and memory are those of the
 * real one, answers mean nothing.
 */
export const writeBaseCheckpoint = (folder: string, name: BaseArchitecture = "blip-vqa"): Promise<void> =>
  writeRandomCheckpoint(folder, { architectures: [ARCHITECTURES[name].checkpoint.className], ...BASE_CONFIG });

/** The same for any `config.json`. */
export async function writeRandomCheckpoint(folder: string, config: object): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "vocab.txt"), vocabulary().join("\n"));
  const json = JSON.stringify(config);
  const { architecture, config: parsed } = readConfig(json, "config.json");
  await writeFile(join(folder, "config.json"), json);
  const { side } = architecture.intake.image(parsed);
  await writeFile(join(folder, "preprocessor_config.json"), JSON.stringify({ size: { height: side, width: side } }));
  const places = architecture.checkpoint.places(parsed, new Set(["text_decoder.cls.predictions.decoder.weight"]));
  const tensors = [...placesByName(places).values()];
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let offset = 0;
  for (const { name, shape } of tensors) {
    const bytes = 4 * elements(shape);
    header[name] = { dtype: "F32", shape, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  await using file = await open(join(folder, "model.safetensors"), "w");
  await file.write(length);
  await file.write(text);
  const block = normals(1 << 20, 1).map((value) => 0.02 * value);
  let shift = 0;
  for (const { name, shape } of tensors) {
    const values = new Float32Array(elements(shape));
    const norm = /norm/i.test(name) && name.endsWith("weight") ? 1 : 0;
    for (let i = 0; i < values.length; i++) values[i] = norm + block[(i + shift) % block.length]!;
    shift += 7919;
    await file.write(new Uint8Array(values.buffer));
  }
}

/** As long as BERT's, with its special tokens in their places and the words of one question. */
function vocabulary(): string[] {
  const tokens = Array.from({ length: 30_522 }, (_, id) => `[unused${id}]`);
  tokens[0] = "[PAD]";
  tokens.splice(100, 4, "[UNK]", "[CLS]", "[SEP]", "[MASK]");
  const words = BASE_QUESTION.match(/[a-z]+|\?/g)!;
  tokens.splice(2000, words.length, ...words);
  return tokens;
}

/** Ten tokens with [CLS] and [SEP]. */
export const BASE_QUESTION = "is this big star red or blue?";

const elements = (shape: readonly number[]) => shape.reduce((product, side) => product * side, 1);

/** N(0, 1), from a seed. */
export function normals(length: number, seed: number): Float32Array<ArrayBuffer> {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 1) / 2 ** 32;
  };
  return Float32Array.from({ length }, () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
}
