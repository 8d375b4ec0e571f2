import * as tf from "@tensorflow/tfjs-core";
import { NoticeError } from "../base/errors.js";
import { INSPECT } from "../base/inspect.js";
import { checkShape } from "../base/options.js";
import { disposeWeights } from "../checkpoint/weights.js";
import { type Network, type TowerSize, towerSizes } from "../model/architecture.js";
import type { ArchitectureName } from "../model/architectures.js";
import { isOf, type LoadedModel } from "../model/load.js";
import type { ImageProcessor } from "../pictures/pixels.js";
import type { Backend } from "../platform/backend.js";
import type { Grid, Reader } from "../words/reader.js";
import type { Tokenizer } from "../words/tokenizer.js";
import { wordPositions } from "../words/word-positions.js";
import { Cautions } from "./cautions.js";
import { type AskResult, answerOf, answersOf, answersTo, askedOf } from "./choices.js";
import { type EditPatches, resolveEdits } from "./edits.js";
import { modelFacts } from "./facts.js";
import { type HeadWeights, headWeights } from "./head-weights.js";
import { type Box, imagePlaces, tokensInBox, tokensUnderMask } from "./image-places.js";
import {
  ASKED,
  type AskedEdited,
  checkBatch,
  checkText,
  type ImageInput,
  PAIRED,
  type PairInput,
  pictureOf,
} from "./inputs.js";
import { unembedded } from "./lens.js";
import type { Answer } from "./metrics.js";
import { newRun, Pair } from "./pair.js";
import type { Question } from "./positions.js";
import type { Run } from "./run.js";
import { see, seeCorrupt } from "./seen.js";
import type { HeadSite, Site } from "./sites.js";
import { continuation, questionOf } from "./texts.js";

/** A loaded model, ready to be asked and patched: `loadModel` makes it. Dispose of it after use. */
export class Model<A extends ArchitectureName = ArchitectureName> implements Network {
  readonly #loaded: LoadedModel<A>;
  readonly #cautions: Cautions;
  #disposed = false;

  constructor(
    /** The folder or hub id. */
    readonly name: string,
    loaded: LoadedModel<A>,
    warn: (message: string) => void = console.warn,
  ) {
    this.#loaded = loaded;
    this.#cautions = new Cautions(warn);
  }

  /** Its towers, and how it is read. */
  get architecture(): LoadedModel<A>["architecture"] {
    return this.#loaded.architecture;
  }

  /** What `config.json` says, repaired. */
  get config(): LoadedModel<A>["config"] {
    return this.#loaded.config;
  }

  /** From text to ids and back. */
  get tokenizer(): Tokenizer {
    return this.#loaded.tokenizer;
  }

  /** What becomes of a picture before it is seen. */
  get processor(): ImageProcessor {
    return this.#loaded.processor;
  }

  /** Of a model that has the picture among its words: how both become inputs. */
  get reader(): Reader | undefined {
    return this.#loaded.reader;
  }

  /** What computes. */
  get backend(): Backend {
    return this.#loaded.backend;
  }

  /** The shape of every tower, by name. */
  get towers(): Readonly<Record<string, Required<TowerSize>>> {
    return towerSizes(this);
  }

  /** Bytes left for the values of passes. */
  get memory(): number | undefined {
    return this.#loaded.memory;
  }

  /**
   * The weight tree, whose tensors belong to the model. With `bits: 16` a matrix is a new tensor each time that it is
   * asked for, and the caller's.
   *
   * @throws NoticeError `disposed`
   */
  get weights(): LoadedModel<A>["weights"] {
    const gone = `The model ${this.name} was disposed of; ask inside the block of its \`using\`.`;
    if (this.#disposed) throw new NoticeError("disposed", gone);
    return this.#loaded.weights;
  }

  /** Whether it is of an architecture; then its sites, config and weights have that one's types. */
  is<B extends ArchitectureName>(name: B): this is Model<B> {
    return isOf(this.#loaded, name);
  }

  /**
   * One pass over a picture and a question, every value of which can be read. The caller disposes of it.
   *
   * @throws NoticeError `image`, `tokens`; `site`, `options` for an edit of what is not there, or that makes no such
   * value
   */
  async run(input: AskedEdited<Site<A>>): Promise<Run<A>> {
    checkShape("run", input, ASKED);
    return (await this.#read(input)).run;
  }

  /** A pass over a picture and a question, the question as it was read, and what is edited. */
  async #read(input: AskedEdited): Promise<{ run: Run<A>; asked: Question; edits?: EditPatches }> {
    const { image, question } = input;
    // One that cannot be read is refused before the picture is.
    this.question(question);
    const { pixels, grid } = await see(this.#loaded, image);
    try {
      const asked = this.question(question, grid);
      this.#cautions.ofQuestion(this, question, asked);
      const edits = resolveEdits(this, input.edits, { question: asked, tiles: pixels.shape[0] });
      return { run: await newRun(this, { pixels, question: asked }, undefined, edits?.first), asked, edits };
    } finally {
      pixels.dispose();
    }
  }

  /**
   * The clean and the corrupted pass of a sample. The caller disposes of it.
   *
   * @throws NoticeError `image`, `tokens`, `options`
   * @example await blip.pair({ image, corruptImage, question: "is this star red or blue?", answers: ["red", "blue"] })
   */
  async pair(input: PairInput): Promise<Pair<A>> {
    checkShape("pair", input, PAIRED);
    const { image, corruptImage, question, corruptQuestion, at, answerPlace } = input;
    const answers = answersOf(this, input.answers);
    // A question that cannot be read is refused before the picture is.
    this.question(question);
    const seen = await see(this.#loaded, image);
    const { pixels, grid } = seen;
    let corruptPixels: tf.Tensor | undefined;
    try {
      const asked = this.question(question, grid);
      const corruptAsked = corruptQuestion === undefined ? undefined : this.question(corruptQuestion, grid);
      corruptPixels = corruptImage === undefined ? undefined : await seeCorrupt(this.#loaded, corruptImage, seen);
      const before = at === undefined ? undefined : await continuation(this, { pixels, prompt: asked }, at);
      const after = (prompt: Question) => before?.after(prompt) ?? prompt;
      this.#cautions.ofQuestion(this, question, asked);
      const pair = await Pair.of(this, {
        ...{ modelName: this.name, image, pixels, corruptPixels },
        question: { ...after(asked), answerPlace },
        corruptQuestion: corruptAsked && after(corruptAsked),
        answers,
      });
      await this.#cautions.ofPair(this, question, pair).catch((error) => {
        pair[Symbol.dispose]();
        throw error;
      });
      return pair;
    } finally {
      tf.dispose([pixels, ...(corruptPixels ? [corruptPixels] : [])]);
    }
  }

  /**
   * Asks a question about a picture.
   *
   * @throws NoticeError `image`, `tokens`, `options`, `checkpoint` where the pass overflowed
   */
  async ask(input: AskedEdited<Site<A>>, options: { readonly top?: number } = {}): Promise<AskResult> {
    checkShape("ask", options, { such: "{ top: 3 }", keys: ["top"] });
    const { top = 5 } = options;
    if (!Number.isInteger(top) || top < 1)
      throw new NoticeError("options", `top is ${top}; a whole number of at least 1 was expected.`);
    checkShape("ask", input, ASKED);
    const { run: passed, asked, edits } = await this.#read(input);
    using run = passed;
    return await askedOf(this, run, { asked, top, edits });
  }

  /**
   * Greedy answers to many pictures and questions at once, in one batch: all questions have as many tokens.
   *
   * @param images normalised, [batch, height, width, 3]; they stay the caller's.
   * @throws NoticeError `tokens` where the questions have different lengths, `image` where they are not as many as the
   * pictures.
   */
  async answerBatch(images: tf.Tensor, questions: readonly string[]): Promise<string[]> {
    const asked = questions.map((question) => this.question(question, NOT_CUT));
    const ids = asked.map((question) => question.ids);
    checkBatch(images?.shape, ids, this.processor.size);
    return answersTo(this, images, asked);
  }

  /**
   * A picture as the model sees it, [1, height, width, 3], or [tile, height, width, 3] where it is cut into tiles. The
   * caller disposes of it.
   *
   * @throws NoticeError `image`
   */
  async pixels(image: ImageInput): Promise<tf.Tensor4D> {
    return (await see(this.#loaded, image)).pixels;
  }

  /**
   * The image tokens under a mask (grey, 255 where the object is): those whose patch it covers at least half. A
   * position for sites whose tokens are the picture's.
   *
   * @param question of a pair, for sites that have the picture among their words.
   * @throws NoticeError `image`
   */
  async tokensUnder(mask: ImageInput, question?: Pick<Question, "image">): Promise<number[]> {
    return tokensUnderMask(this, await pictureOf(mask), question);
  }

  /**
   * The image tokens of which a box covers at least half.
   *
   * @param box left, top, width and height in pixels of the picture. @param image the picture, of which only the size
   * counts. @param question as for `tokensUnder`.
   * @throws NoticeError `image`
   */
  async tokensIn(box: Box, image: ImageInput, question?: Pick<Question, "image">): Promise<number[]> {
    return tokensInBox(imagePlaces(this, await pictureOf(image), question), box);
  }

  /**
   * What the readout says of rows of the stream that it reads, [..., width] -> logits [..., choice]: the logit lens.
   * The caller disposes of it.
   *
   * @throws NoticeError `options` for rows of another width.
   */
  unembed(x: tf.Tensor): tf.Tensor {
    return unembedded(this, x);
  }

  /**
   * The weights of one head: Q, K, V, O, OV and QK. The caller disposes of them.
   *
   * @throws NoticeError `site` where there is no such head.
   * @example using weights = blip.headWeights("text.cross.z", { layer: 0, head: 1 });
   */
  headWeights(site: HeadSite<A>, place: { readonly layer: number; readonly head: number }): HeadWeights {
    return headWeights(this, site, place);
  }

  /**
   * A question, a sentence or a prompt as the model reads it. Only captions may do without.
   *
   * @param grid of the picture's tiles, of a model that has the picture among its words. Default: that of a square
   * picture.
   * @throws NoticeError `tokens` where it has more tokens than the model has positions.
   */
  question(text?: string, grid?: Grid): Question {
    const { reader } = this.#loaded;
    if (!reader) return questionOf(this, text);
    checkText("question", text as string);
    const prompt = reader.prompt(text as string, grid ?? reader.square);
    return { ...prompt, find: (word) => wordPositions(this.tokenizer, prompt, word) };
  }

  /**
   * An answer as it is read: by its first word piece, or the class that it names.
   *
   * @throws NoticeError `tokens` where it is not in the vocabulary or no class, `checkpoint` where the model does not
   * know its id.
   */
  answer(text: string): Answer {
    checkText("answer", text);
    return answerOf(this, text);
  }

  /** For `console.log`: the sizes of its towers. */
  [INSPECT](): string {
    return modelFacts(this);
  }

  /** Frees the weights; runs and pairs have values of their own, but no pass goes on without them. */
  [Symbol.dispose](): void {
    if (!this.#disposed) disposeWeights(this.#loaded.weights);
    this.#disposed = true;
  }
}

const NOT_CUT: Grid = { rows: 0, columns: 0 };

/** A BLIP for question answering. */
export type Blip = Model<"blip-vqa">;
