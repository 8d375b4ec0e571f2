import type { Box, Picture, Size } from "../pictures/picture.js";
import type { ImageProcessor } from "../pictures/pixels.js";
import type { Encoding, Tokenizer } from "./tokenizer.js";

// How a model whose tokens hold the picture reads a question: the prompt depends on how many tiles the picture became.

/** Into how many tiles a picture is cut, before the whole of it; none of both where it is not cut. */
export interface Grid {
  readonly rows: number;
  readonly columns: number;
}

/** A picture as a model gets it. */
export interface Seen {
  /** Normalised. */
  readonly values: Float32Array;
  /** [tile, height, width, 3] */
  readonly shape: readonly [number, number, number, number];
  readonly grid: Grid;
}

/**
 * A prompt, and what its tokens are: the picture's, in the order of its tiles, and those of the words that somebody
 * asked.
 */
export interface Prompt extends Encoding {
  readonly image: readonly number[];
  readonly question: readonly number[];
}

/** What may be asked of a reader when a checkpoint is opened. */
export interface ReaderOptions {
  /** Cut pictures into tiles where the checkpoint does. Default: as the checkpoint says. */
  readonly split?: boolean;
}

/** Makes inputs of pictures and questions. */
export interface Reader {
  readonly tokenizer: Tokenizer;
  readonly processor: ImageProcessor;
  /** The grid of a picture that is as high as wide. */
  readonly square: Grid;
  /** @throws NoticeError `image` */
  see(picture: Picture): Seen;
  /** What each tile shows of a picture of this size. */
  boxes(picture: Size): readonly Box[];
  /** @throws NoticeError `tokens`, `checkpoint` */
  prompt(question: string, grid: Grid): Prompt;
  /** The first token of an answer as it continues a prompt. @throws NoticeError `tokens` */
  answer(text: string): { readonly id: number; readonly token: string };
}
