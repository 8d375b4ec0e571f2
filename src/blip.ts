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
import { checkSize, type Picture } from "./model/picture.js";
import { type ImageProcessor, loadImageProcessor, pixelValues } from "./model/pixels.js";
import { loadTokenizer, type Tokenizer } from "./model/tokenizer.js";
import { disposeWeights, loadWeights } from "./model/weights.js";
import { firstPiece, positionsOf } from "./model/words.js";
import { coveredTokens } from "./patching/attention-functions.js";
import type { Answer } from "./patching/metrics.js";
import { newRun, Pair } from "./patching/pair.js";
import type { Question } from "./patching/positions.js";
import type { Run } from "./patching/run.js";
import { openModel, readPicture } from "./platform.js";

/** The path of a PNG or JPEG file (in a browser: its address), the bytes of one, or pixels. */
export type ImageInput = string | Uint8Array | Picture;

/** What a model is loaded with. */
export interface LoadOptions {
  /** `auto` (the default, or the environment's NOTICE_BACKEND), `node-gpu`, `node`, `wasm` or `cpu`. */
  readonly backend?: Backend | "auto";
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

/** A pair whose picture is corrupted. */
export interface CorruptImage {
  /** Semantic image pair: the same question about another picture. Or, as a baseline, about the clean one with noise. */
  readonly corruptImage: ImageInput | { readonly noise: GaussianNoise };
  /** Not both. */
  readonly corruptQuestion?: undefined;
}

/** A pair whose question is corrupted. */
export interface CorruptQuestion {
  /** Not both. */
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
  readonly #weights: BlipModel["weights"];
  #disposed = false;

  private constructor(
    /** The folder or hub id. */
    readonly name: string,
    /** What `config.json` says, repaired. */
    readonly config: BlipModel["config"],
    weights: BlipModel["weights"],
    /** From text to ids and back. */
    readonly tokenizer: Tokenizer,
    /** What becomes of a picture before it is seen. */
    readonly processor: ImageProcessor,
    /** What computes. */
    readonly backend: Backend,
    /** Bytes left for the values of passes. */
    readonly memory: number | undefined,
  ) {
    this.#weights = weights;
  }

  /**
   * The weight tree, whose tensors belong to the model.
   *
   * @throws NoticeError `disposed`
   */
  get weights(): BlipModel["weights"] {
    if (this.#disposed)
      throw new NoticeError(
        "disposed",
        `The model ${this.name} was disposed of; ask inside the block of its \`using\`.`,
      );
    return this.#weights;
  }

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
    if (memory !== undefined && !(memory > 0))
      throw new NoticeError(
        "options",
        `memory is ${JSON.stringify(memory)}; a number of bytes was expected, such as 3e9.`,
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
    if (!Array.isArray(answers) || answers.length !== 2)
      throw new NoticeError("tokens", 'answers are the correct and the incorrect one, such as ["red", "blue"].');
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
   * @throws NoticeError `tokens` where the questions have different lengths, `image` where they are not as many as the pictures.
   */
  async answerBatch(images: tf.Tensor, questions: readonly string[]): Promise<string[]> {
    const ids = questions.map((question) => [...this.question(question).ids]);
    const { height, width } = this.processor.size;
    const expected = [questions.length, height, width, 3];
    if (questions.length === 0 || `${images?.shape}` !== `${expected}`)
      throw new NoticeError(
        "image",
        `The pictures of ${questions.length} questions have shape [${images?.shape}]; [${expected}] was expected, of one question ` +
          "or more. `pixels` makes a picture of it.",
      );
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

  /**
   * A picture as the vision tower gets it, [1, height, width, 3]. The caller disposes of it.
   *
   * @throws NoticeError `image`
   */
  async pixels(image: ImageInput): Promise<tf.Tensor4D> {
    const { height, width } = this.processor.size;
    return tf.tensor4d(pixelValues(this.processor, await pictureOf(image)), [1, height, width, 3]);
  }

  /**
   * The image tokens under a mask (grey, 255 where the object is): those whose patch it covers at least half. A position for
   * sites of the vision tower.
   *
   * @throws NoticeError `image`
   */
  async tokensUnder(mask: ImageInput): Promise<number[]> {
    const { image_size, patch_size } = this.config.vision;
    return coveredTokens(await pictureOf(mask), image_size / patch_size);
  }

  /**
   * A question as the text encoder reads it.
   *
   * @throws NoticeError `tokens` where it has more tokens than the model has positions.
   */
  question(text: string): Question {
    checkText("question", text);
    const { max_position_embeddings: maxTokens } = this.config.text;
    const encoding = this.tokenizer.encode(text, { maxTokens });
    for (const [i, id] of encoding.ids.entries()) this.checkToken(id, encoding.tokens[i]!);
    return { ...encoding, find: (word) => positionsOf(this.tokenizer, encoding, word) };
  }

  /**
   * An answer as it is read: by its first word piece.
   *
   * @throws NoticeError `tokens` where it is not in the vocabulary, `checkpoint` where the model does not know its id.
   */
  answer(text: string): Answer {
    checkText("answer", text);
    const piece = firstPiece(this.tokenizer, text);
    this.checkToken(piece.id, piece.token);
    return { text, ...piece };
  }

  /** Frees the weights; runs and pairs have values of their own, but no pass goes on without them. */
  [Symbol.dispose](): void {
    if (!this.#disposed) disposeWeights(this.#weights);
    this.#disposed = true;
  }

  private async corruptPixels(
    corrupt: NonNullable<PairInput["corruptImage"]>,
    clean: tf.Tensor4D,
  ): Promise<tf.Tensor4D> {
    const noisy = typeof corrupt === "object" && corrupt !== null && "noise" in corrupt;
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
 * @param model a folder (in a browser: its address), a hub id (`Salesforce/blip-vqa-base`; from the cache, or downloaded; not in a
 * browser), or files from elsewhere.
 * @throws NoticeError `checkpoint`, `memory`, `backend`, `network`
 * @example using blip = await loadBlip("weights/scenes");
 */
export async function loadBlip(model: string | CheckpointFiles, options: LoadOptions = {}): Promise<Blip> {
  if (typeof model !== "string") {
    if (typeof model?.text !== "function")
      throw new NoticeError("checkpoint", "A model was expected: a folder, a hub id such as owner/name, or its files.");
    return Blip.load(model, options);
  }
  const { files, memory } = await openModel(model, options.hub);
  return Blip.load(files, { ...options, memory: options.memory ?? memory });
}

/** Any form of a picture, as pixels. @throws NoticeError `image` */
export async function pictureOf(image: ImageInput): Promise<Picture> {
  if (typeof image === "string") return readPicture(image);
  // Not by instanceof: a notebook's cells have a Uint8Array of their own.
  if (ArrayBuffer.isView(image)) return decodePicture(image, "the picture");
  if (!ArrayBuffer.isView(image?.data))
    throw new NoticeError(
      "image",
      "A picture was expected: the path of a PNG or JPEG file, the bytes of one (a Uint8Array; of an ArrayBuffer make one by " +
        "new Uint8Array(buffer)), or { width, height, data } in RGB.",
    );
  checkSize(image.width, image.height, "the picture");
  return image;
}

function checkText(what: string, text: string): void {
  if (typeof text !== "string")
    throw new NoticeError("tokens", `The ${what} is ${text === null ? "null" : typeof text}; a text was expected.`);
}
