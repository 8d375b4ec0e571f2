import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkpointFolder } from "../src/files/folder.js";
import { readFacts } from "../src/model/load.js";
import { SMOLVLM_256M } from "../test/support/hub-shapes.js";
import { normals, writeRandomCheckpoint } from "./base-checkpoint.js";

/** How much of the picture's tower: all, or one layer that sees tiles of 128 pixels, 64 tokens each too. */
export type Vision = "whole" | "small";

/** SmolVLM-256M's, with the image token of `weights/scenes-lm`. */
function shape(vision: Vision) {
  const config = { ...SMOLVLM_256M, image_token_id: 442 };
  const small = { ...config.vision_config, num_hidden_layers: 1, image_size: 128 };
  return vision === "whole" ? config : { ...config, scale_factor: 1, vision_config: small };
}

/** What is asked, in words of `weights/scenes-lm`. */
export const DECODER_QUESTION = "is this big star red or blue?";
export const DECODER_ANSWERS = ["red", "blue"] as const;

/** Words come from `weights/scenes-lm`, in which each has a piece of its own. */
const WORDS = fileURLToPath(new URL("../weights/scenes-lm", import.meta.url));

/** Writes a checkpoint of that shape with random weights, 1.1 GB. Speed and memory are those of the real one. */
export async function writeSmolVlm(folder: string, vision: Vision): Promise<void> {
  const config = shape(vision);
  const { preprocessor, ...files } = await processors(config.vision_config.image_size);
  await writeRandomCheckpoint(folder, config);
  await writeFile(join(folder, "preprocessor_config.json"), JSON.stringify(preprocessor));
  await writeFile(join(folder, "processor_config.json"), JSON.stringify(files.processor));
  await writeFile(join(folder, "tokenizer.json"), await tokenizer());
  for (const name of ["tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"])
    await copyFile(join(WORDS, name), join(folder, name));
}

/** A square picture becomes 17 tiles, or one where it is not split; a tile 64 tokens. */
async function processors(side: number) {
  const stored = JSON.parse(await readFile(join(WORDS, "preprocessor_config.json"), "utf8")) as object;
  return {
    preprocessor: {
      ...stored,
      do_image_splitting: true,
      size: { longest_edge: 4 * side },
      max_image_size: { longest_edge: side },
    },
    processor: { image_seq_len: 64, processor_class: "Idefics3Processor" },
  };
}

/** With the names of the tiles, which a model of whole pictures has no need of. */
async function tokenizer(): Promise<string> {
  const stored = JSON.parse(await readFile(join(WORDS, "tokenizer.json"), "utf8")) as {
    added_tokens: { id: number }[];
  };
  const last = stored.added_tokens.at(-1)!;
  const names = [1, 2, 3, 4].flatMap((row) => [1, 2, 3, 4].map((column) => `<row_${row}_col_${column}>`));
  stored.added_tokens.push(...names.map((content, i) => ({ ...last, id: last.id + 1 + i, content })));
  return JSON.stringify(stored);
}

/** A pair for all sides, as pair.json; pixels.f32 [picture, tile, side, side, 3] beside it. */
export interface DecoderPair {
  readonly tiles: number;
  readonly ids: number[];
  /** Which of the ids are the picture's, and which the question's. */
  readonly image: number[];
  readonly asked: number[];
  readonly answers: readonly [DecoderAnswer, DecoderAnswer];
  /** [layer, head, token] of the patches that every side makes and all are compared by. */
  readonly places: readonly (readonly [number, number, number])[];
}

interface DecoderAnswer {
  readonly text: string;
  readonly id: number;
}

/** Writes the pair of two noisy pictures, in one tile or 17, of which some of the question's tokens are patched. */
export async function writeDecoderPair(
  folder: string,
  checkpoint: string,
  { split, asked: many }: { readonly split: boolean; readonly asked: number },
): Promise<DecoderPair> {
  const files = checkpointFolder(checkpoint);
  const { architecture, config } = await readFacts(files);
  const { side } = architecture.intake.image(config);
  const reader = (await architecture.intake.reader!(files, config, { split }))!;
  const grid = reader.square;
  const tiles = grid.rows * grid.columns + 1;
  const { ids, image, question } = reader.prompt(DECODER_QUESTION, grid);
  const words = [...question!];
  const asked = words.filter(
    (_, i) => Math.floor((i * many) / words.length) !== Math.floor(((i - 1) * many) / words.length),
  );
  const answers = DECODER_ANSWERS.map((text) => ({ text, id: reader.answer(text).id })) as [
    DecoderAnswer,
    DecoderAnswer,
  ];
  const { layers, heads } = SHAPE;
  const places = asked.flatMap((token) =>
    layers.flatMap((layer) => Array.from({ length: heads }, (_, head) => [layer, head, token] as const)),
  );
  const pair = { tiles, ids: [...ids], image: [...image!], asked, answers, places };
  await writeFile(join(folder, "pair.json"), JSON.stringify(pair));
  // A dark and a light one: what two equal noises put into the words differs too little to compare.
  const pictures = [1, 2].map((seed) => {
    const values = normals(tiles * side ** 2 * 3, seed).map((value) => value / 2 + (seed === 1 ? -1 : 1));
    return new Uint8Array(values.buffer);
  });
  await writeFile(join(folder, "pixels.f32"), Buffer.concat(pictures));
  return pair;
}

/** Peers patch every head in these layers. */
const SHAPE = { layers: [3, 9, 15, 21, 27], heads: 9 } as const;
