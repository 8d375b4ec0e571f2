import * as tf from "@tensorflow/tfjs-core";
import { type Backend, useBackend } from "./backend.js";
import { type GaussianNoise, gaussianNoise } from "./corruption/gaussian.js";
import { NoticeError } from "./errors.js";
import type { HubOptions } from "./files/hub.js";
import { answerQuestion, type BlipModel, seeImage } from "./model/blip.js";
import { type CheckpointFiles, readTensors } from "./model/checkpoint.js";
import { parseConfig } from "./model/config.js";
import { decodePicture } from "./model/decode.js";
import { generate } from "./model/decoder.js";
import { requireMemory, WASM_HEAP_BYTES } from "./model/memory.js";
import type { Picture } from "./model/picture.js";
import { type ImageProcessor, loadImageProcessor, pixelValues } from "./model/pixels.js";
import { firstPiece, loadTokenizer, positionsOf, type Tokenizer } from "./model/tokenizer.js";
import { disposeWeights, loadWeights } from "./model/weights.js";
import type { Answer } from "./patching/metrics.js";
import { newRun, Pair } from "./patching/pair.js";
import type { Question } from "./patching/positions.js";
import type { Run } from "./patching/run.js";

/** The path of a PNG or JPEG file (in Node), the bytes of one, or pixels. */
export type ImageInput = string | Uint8Array | Picture;

export interface LoadOptions {
  /** `auto` (the default, or the environment's NOTICE_BACKEND), `node-gpu`, `node`, `wasm` or `cpu`. */
  readonly backend?: string;
  /**
   * Bytes that the model and everything done with it may take, looked at when it is loaded. Default: what the machine has
   * available; two models count the same memory.
   */
  readonly memory?: number;
  /** Where and how a hub id is downloaded. */
  readonly hub?: HubOptions;
  /** Told of mistakes in a checkpoint that were repaired. Default: the console. */
  readonly warn?: (message: string) => void;
}

interface CorruptImage {
  /** Semantic image pair: the same question about another picture. Or, as a baseline, about the clean one with noise. */
  readonly corruptImage: ImageInput | { readonly noise: GaussianNoise };
  readonly corruptQuestion?: undefined;
}

interface CorruptQuestion {
  readonly corruptImage?: undefined;
  /** Symmetric token replacement: another question, of as many tokens, about the same picture. */
  readonly corruptQuestion: string;
}

/** A sample: a picture and a question, a corruption of one of the two, and the alternatives. */
export type PairInput = {
  readonly image: ImageInput;
  readonly question: string;
  /** Correct and incorrect. */
  readonly answers: readonly [string, string];
} & (CorruptImage | CorruptQuestion);

/** What the model says, and what it might have said. */
export interface AskResult {
  /** Greedily generated. */
  readonly answer: string;
  /** The question's. */
  readonly tokens: readonly string[];
  /** The likeliest tokens at the answer's first position. */
  readonly top: readonly { id: number; token: string; logit: number; prob: number }[];
}

/** A BLIP for question answering, ready to be asked and patched. Dispose of it after use. */
export class Blip implements BlipModel {
  private constructor(
    /** The folder or hub id. */
    readonly name: string,
    readonly config: BlipModel["config"],
    readonly weights: BlipModel["weights"],
    readonly tokenizer: Tokenizer,
    readonly processor: ImageProcessor,
    readonly backend: Backend,
    /** Bytes left for the values of passes. */
    readonly memory: number | undefined,
  ) {}

  /** @throws NoticeError as `loadBlip`. */
  static async load(files: CheckpointFiles, { backend, memory, warn }: LoadOptions = {}): Promise<Blip> {
    const json = await files.text("config.json");
    if (json === undefined)
      throw new NoticeError("checkpoint", `${files.name} has no config.json: it is not a checkpoint.`);
    const config = parseConfig(json, `${files.name}/config.json`, warn);
    const tokenizer = await loadTokenizer(files);
    const processor = await loadImageProcessor(files);
    const { image_size } = config.vision;
    if (processor.size.height !== image_size || processor.size.width !== image_size)
      throw new NoticeError(
        "checkpoint",
        `${files.name}: preprocessor_config.json makes pictures of ${processor.size.width} x ${processor.size.height}, and the ` +
          `model in config.json takes ${image_size} x ${image_size}.`,
      );
    const used = await useBackend(backend);
    const limits: [string, number][] = used === "wasm" ? [["the wasm backend's heap", WASM_HEAP_BYTES]] : [];
    if (memory !== undefined) limits.push(["the memory allowed", memory]);
    const left = requireMemory(config, files.name, used, limits);
    const weights = await loadWeights(config, await readTensors(files), files.name);
    return new Blip(files.name, config, weights, tokenizer, processor, used, left);
  }

  /**
   * One pass over a picture and a question, every value of which can be read. The caller disposes of it.
   *
   * @throws NoticeError `image`, `tokens`
   */
  async run({ image, question }: { readonly image: ImageInput; readonly question: string }): Promise<Run> {
    const asked = this.question(question);
    const pixels = await this.pixels(image);
    try {
      return newRun(this, (model) => seeImage(model, pixels), asked);
    } finally {
      pixels.dispose();
    }
  }

  /**
   * The clean and the corrupted pass of a sample. The caller disposes of it.
   *
   * @throws NoticeError `image`, `tokens`, `options`
   * @example await blip.pair({ image: "red.png", corruptImage: "blue.png", question: "is this star red or blue?", answers: ["red", "blue"] })
   */
  async pair({ image, corruptImage, question, corruptQuestion, answers }: PairInput): Promise<Pair> {
    const asked = this.question(question);
    const corruptAsked = corruptQuestion === undefined ? undefined : this.question(corruptQuestion);
    const [correct, incorrect] = answers.map((answer) => this.answer(answer)) as [Answer, Answer];
    const pixels = await this.pixels(image);
    let corruptPixels: tf.Tensor | undefined;
    try {
      corruptPixels = corruptImage === undefined ? undefined : await this.corruptPixels(corruptImage, pixels);
      return await Pair.of(this, {
        modelName: this.name,
        pixels,
        corruptPixels,
        question: asked,
        corruptQuestion: corruptAsked,
        answers: { correct, incorrect },
      });
    } finally {
      tf.dispose([pixels, ...(corruptPixels ? [corruptPixels] : [])]);
    }
  }

  /**
   * Asks a question about a picture.
   *
   * @throws NoticeError `image`, `tokens`, `options`
   */
  async ask(
    { image, question }: { readonly image: ImageInput; readonly question: string },
    { top = 5 }: { readonly top?: number } = {},
  ): Promise<AskResult> {
    if (!Number.isInteger(top) || top < 1)
      throw new NoticeError("options", `top is ${top}; a whole number of at least 1 was expected.`);
    using run = await this.run({ image, question });
    const [ids] = await generate(this.weights.decoder, this.config.text, run.activations.text.at(-1)!);
    const likeliest = tf.tidy(() => {
      const { values, indices } = tf.topk(tf.squeeze(run.logits), Math.min(top, this.config.text.vocab_size));
      return { logits: values, ids: indices, probs: tf.gather(tf.softmax(tf.squeeze(run.logits)), indices) };
    });
    const logits = await likeliest.logits.data();
    const probs = await likeliest.probs.data();
    const topIds = Array.from(await likeliest.ids.data());
    tf.dispose(likeliest);
    return {
      answer: this.tokenizer.decode(ids!),
      tokens: this.question(question).tokens,
      top: topIds.map((id, i) => ({ id, token: this.tokenName(id), logit: logits[i]!, prob: probs[i]! })),
    };
  }

  /**
   * Greedy answers to many pictures and questions at once. Questions of equal length share a batch.
   *
   * @param images normalised, [batch, height, width, 3]; they stay the caller's.
   * @throws NoticeError `tokens` where the questions have different lengths.
   */
  async answerBatch(images: tf.Tensor, questions: readonly string[]): Promise<string[]> {
    const ids = questions.map((question) => [...this.question(question).ids]);
    const lengths = [...new Set(ids.map(({ length }) => length))];
    if (lengths.length !== 1)
      throw new NoticeError(
        "tokens",
        `The questions of one batch must have the same number of tokens; here they have ${lengths.join(", ")}.`,
      );
    const hidden = tf.tidy(() => {
      const { text } = answerQuestion(this, seeImage(this, images), tf.tensor2d(ids, undefined, "int32"));
      return text.at(-1)!;
    });
    const answers = await generate(this.weights.decoder, this.config.text, hidden);
    hidden.dispose();
    return answers.map((answer) => this.tokenizer.decode(answer));
  }

  /** A picture as the vision tower gets it, [1, height, width, 3]. The caller disposes of it. */
  async pixels(image: ImageInput): Promise<tf.Tensor4D> {
    const { height, width } = this.processor.size;
    return tf.tensor4d(pixelValues(this.processor, await pictureOf(image)), [1, height, width, 3]);
  }

  /** @throws NoticeError `tokens` where it has more tokens than the model has positions. */
  question(text: string): Question {
    const { max_position_embeddings: maxTokens } = this.config.text;
    const encoding = this.tokenizer.encode(text, { maxTokens });
    for (const [i, id] of encoding.ids.entries()) this.checkToken(id, encoding.tokens[i]!);
    return { ...encoding, find: (word) => positionsOf(this.tokenizer, encoding, word) };
  }

  /** @throws NoticeError `tokens` where it is not in the vocabulary, `checkpoint` where the model does not know its id. */
  answer(text: string): Answer {
    const piece = firstPiece(this.tokenizer, text);
    this.checkToken(piece.id, piece.token);
    return { text, ...piece };
  }

  [Symbol.dispose](): void {
    disposeWeights(this.weights);
  }

  private async corruptPixels(
    corrupt: NonNullable<PairInput["corruptImage"]>,
    clean: tf.Tensor4D,
  ): Promise<tf.Tensor4D> {
    const noisy = typeof corrupt === "object" && "noise" in corrupt;
    return noisy ? gaussianNoise(clean, corrupt.noise) : this.pixels(corrupt);
  }

  private checkToken(id: number, token: string): void {
    const { vocab_size } = this.config.text;
    if (id >= vocab_size)
      throw new NoticeError(
        "checkpoint",
        `${this.name}: the tokenizer gives ${token} the id ${id}, and the model in config.json knows ${vocab_size} tokens.`,
      );
  }

  /** [DEC] and [ENC] are rows of the hub's checkpoints that their vocabulary does not name. */
  private tokenName(id: number): string {
    return this.tokenizer.tokenOf(id) ?? `[${id}]`;
  }
}

/**
 * Loads a Hugging Face checkpoint of BLIP for question answering.
 *
 * @param model a folder, a hub id (`Salesforce/blip-vqa-base`; from the cache, or downloaded), or files from elsewhere.
 * @throws NoticeError `checkpoint`, `memory`, `backend`, `network`
 * @example using blip = await loadBlip("weights/scenes");
 */
export async function loadBlip(model: string | CheckpointFiles, options: LoadOptions = {}): Promise<Blip> {
  if (typeof model !== "string") return Blip.load(model, options);
  const { checkpointFolder } = await import("./files/folder.js");
  const { resolveModel } = await import("./files/hub.js");
  const { availableMemory } = await import("./files/memory.js");
  const files = { ...checkpointFolder(await resolveModel(model, options.hub)), name: model };
  return Blip.load(files, { ...options, memory: options.memory ?? availableMemory() });
}

export async function pictureOf(image: ImageInput): Promise<Picture> {
  if (typeof image === "string") return (await import("./files/picture.js")).readPicture(image);
  return image instanceof Uint8Array ? decodePicture(image, "the picture") : image;
}
