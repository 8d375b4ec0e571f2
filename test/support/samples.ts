import { join } from "node:path";
import type { PairInput } from "../../src/patching/inputs.js";
import type { Blip } from "../../src/patching/model.js";
import type { Pair } from "../../src/patching/pair.js";
import { FIXTURES } from "./fixture.js";

/** The fixture `narrow`: its checkpoint, pictures and questions. */
export const NARROW = join(FIXTURES, "narrow");
export const CLEAN_IMAGE = join(NARROW, "clean.png");
export const CORRUPT_IMAGE = join(NARROW, "corrupt.png");
export const CLEAN_QUESTION = "Is it red or striped?"; // [CLS] is it red or stri ##ped ? [SEP]
export const CORRUPT_QUESTION = "is it green or dotted?";
export const ANSWERS: [string, string] = ["red", "striped"];

const clean = { image: CLEAN_IMAGE, question: CLEAN_QUESTION, answers: ANSWERS };

/** A semantic image pair, or a symmetric token replacement. */
export function samplePair(blip: Blip, mode: "image" | "text", changes: Partial<PairInput> = {}): Promise<Pair> {
  const corruption = mode === "image" ? { corruptImage: CORRUPT_IMAGE } : { corruptQuestion: CORRUPT_QUESTION };
  return blip.pair({ ...clean, ...corruption, ...changes } as PairInput);
}
