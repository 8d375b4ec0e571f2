import * as tf from "@tensorflow/tfjs-core";
import type { Backend } from "./backend.js";
import { gaussianNoise } from "./corruption/gaussian.js";
import { checkOptions, NoticeError } from "./errors.js";
import { checkText, type ImageInput, type PairInput, pictureOf } from "./inputs.js";
import { type LoadOptions, readModel } from "./load.js";
import { answerQuestion, type BlipModel, seeImage } from "./model/blip.js";
import type { CheckpointFiles } from "./model/checkpoint.js";
import { generate } from "./model/decoder.js";
import { type ImageProcessor, pixelValues } from "./model/pixels.js";
import type { Tokenizer } from "./model/tokenizer.js";
import { disposeWeights } from "./model/weights.js";
import { firstPiece, positionsOf } from "./model/words.js";
import { coveredTokens } from "./patching/attention-functions.js";
import type { Answer } from "./patching/metrics.js";
import { newRun, Pair } from "./patching/pair.js";
import type { Question } from "./patching/positions.js";
import type { Run } from "./patching/run.js";
import { openModel } from "./platform.js";

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
  static async load(files: CheckpointFiles, options: LoadOptions = {}): Promise<Blip> {
    const { config, weights, tokenizer, processor, backend, memory } = await readModel(files, options);
    return new Blip(files.name, config, weights, tokenizer, processor, backend, memory);
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
    options: { readonly top?: number } = {},
  ): Promise<AskResult> {
    checkOptions("ask", options);
    const { top = 5 } = options;
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
  checkOptions("loadBlip", options);
  if (typeof model !== "string") {
    if (typeof model?.text !== "function")
      throw new NoticeError("checkpoint", "A model was expected: a folder, a hub id such as owner/name, or its files.");
    return Blip.load(model, options);
  }
  const { files, memory } = await openModel(model, options.hub);
  return Blip.load(files, { ...options, memory: options.memory ?? memory });
}
