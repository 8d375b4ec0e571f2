import { checkAwaited, NoticeError } from "../base/errors.js";
import type { GaussianNoise } from "../corruption/gaussian.js";
import { readPicture } from "../files/open.js";
import { decodePicture } from "../pictures/decode.js";
import { checkPicture, type Picture } from "../pictures/picture.js";
import type { Edit } from "./edits.js";
import type { Site } from "./sites.js";

/** The path of a PNG, JPEG, WebP, GIF or BMP file (in a browser: its address), the bytes of one, or pixels. */
export type ImageInput = string | Uint8Array | Picture | PictureFile;

/** A file that was read on another machine, or why it could not be. */
export interface PictureFile {
  /** Its path there, which errors name. */
  readonly file: string;
  readonly bytes?: Uint8Array;
  readonly refused?: string;
}

/** A picture and a question about it. */
export interface Asked {
  readonly image: ImageInput;
  /** For matching a sentence, for captions a prompt, which may be left out. */
  readonly question?: string;
}

/** What is asked, and what is edited while it is answered. */
export interface AskedEdited<S extends Site = Site> extends Asked {
  /** Interventions of this pass alone; later ones see what earlier ones did. */
  readonly edits?: readonly Edit<S>[];
}

/** A pair whose picture is corrupted. */
export interface CorruptImage {
  /**
   * Semantic image pair: the same question about another picture. Or, as a baseline, about the clean one with noise.
   */
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
export type PairInput = Asked & {
  /** Correct and incorrect. Only matching has a default: `match`, `no match`. */
  readonly answers?: readonly [string, string];
  /**
   * Of captions: which word that the model writes after the prompt is scored, given those before it. Default: 1, the
   * first.
   */
  readonly at?: number;
  /**
   * Which token the position `answer` means where no answer stands in the text: that of a word of a sentence to match,
   * or `last`, where a prompt ends and its continuation is read.
   */
  readonly answerPlace?: string;
} & (CorruptImage | CorruptQuestion);

/** The keys of a pair's input; a list of a pool has one key more by it. */
export const PAIRED = {
  such: "{ image, corruptImage, question, answers }",
  keys: ["image", "question", "answers", "corruptImage", "corruptQuestion", "at", "answerPlace", "key"],
};

/** Those of a question; that of a pair is one. */
export const ASKED = { such: "{ image, question }", keys: [...PAIRED.keys, "edits"] };

/** Any form of a picture, as pixels. @throws NoticeError `image` */
export async function pictureOf(image: ImageInput): Promise<Picture> {
  checkAwaited("The picture", image);
  if (typeof image === "string") return readPicture(image);
  // Not by instanceof: a notebook's cells have a Uint8Array of their own.
  if (ArrayBuffer.isView(image)) return decodePicture(image, "the picture");
  if (typeof (image as PictureFile | null)?.file === "string") return pictureIn(image as PictureFile);
  checkPicture(image as Picture);
  return image as Picture;
}

function pictureIn({ file, bytes, refused }: PictureFile): Promise<Picture> {
  if (bytes) return decodePicture(bytes, file);
  throw new NoticeError("image", typeof refused === "string" ? refused : `Of the picture ${file} there are no bytes.`);
}

/** @throws NoticeError `tokens` where it is no text. */
export function checkText(what: string, text: string): void {
  if (typeof text !== "string")
    throw new NoticeError("tokens", `The ${what} is ${text === null ? "null" : typeof text}; a text was expected.`);
}

/**
 * Pictures and questions that go through a model together.
 *
 * @param shape of the pictures, where they are a tensor. @param ids of each question. @param size of a picture as the
 * model takes it.
 * @throws NoticeError `tokens` where the questions have different lengths, `image` where they are not as many as the
 * pictures.
 */
export function checkBatch(
  shape: readonly number[] | undefined,
  ids: readonly (readonly number[])[],
  { height, width }: { readonly height: number; readonly width: number },
): void {
  const expected = [ids.length, height, width, 3];
  if (ids.length === 0 || `${shape}` !== `${expected}`)
    throw new NoticeError(
      "image",
      `The pictures of ${ids.length} questions have shape [${shape}]; [${expected}] was expected, of one question ` +
        "or more. `pixels` makes a picture of it.",
    );
  const lengths = [...new Set(ids.map(({ length }) => length))];
  if (lengths.length !== 1)
    throw new NoticeError(
      "tokens",
      `The questions of one batch must have the same number of tokens; here they have ${lengths.join(", ")}.`,
    );
}
