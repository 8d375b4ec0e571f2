import { dirname } from "node:path";
import { z } from "zod";
import { NoticeError } from "../base/errors.js";
import { findFile, readParts } from "../files/read.js";
import type { PairInput } from "../patching/inputs.js";
import type { Mode } from "../patching/pair.js";
import { checked, jsonLines, text } from "./jsonl.js";
import { type Allowed, placed } from "./placed.js";
import { Unusable } from "./unusable.js";

/** A line of a list of pairs: the pair, or why it is left out. */
export type PairLine =
  /** `index` counts all lines of the file from 0. */
  | { readonly index: number; readonly pair: PairInput; readonly refused?: undefined }
  | { readonly index: number; readonly pair?: undefined; readonly refused: NoticeError };

const both = {
  image: text,
  question: text.optional(),
  answers: z.tuple([text, text]).optional(),
  at: z.int().positive().optional(),
};

const schemas: Record<Mode, z.ZodType<PairInput & { readonly image: string; readonly corruptImage?: string }>> = {
  image: z.object({ ...both, corruptImage: text }),
  text: z.object({ ...both, corruptQuestion: text }),
};

/**
 * The pairs of a JSONL file as `notice scenes` writes it: one object a line with `image`, `question`, `answers`
 * (correct, incorrect; both may be left out where the model allows it) and, for `mode`, `corruptImage` or
 * `corruptQuestion`; what else it holds is not looked at. Paths are relative to the file's folder and stay below it, or
 * below `pictures`. Read line by line as they are asked for; empty lines are passed over.
 *
 * @throws NoticeError `options` where there is no such file, or it is another format than lines of JSON.
 */
export async function readPairs(
  file: string,
  mode: Mode,
  pictures?: string,
): Promise<AsyncGenerator<PairLine, void, undefined>> {
  if (!(await findFile(file))) throw new NoticeError("options", `There is no list of pairs ${file}: no such file.`);
  await refuseFormat(file);
  return parseLines(file, mode, pictures);
}

/** Enough to see what a file is. */
const BEGINNING = 4096;

/** Of another format every line would be refused, for a reason that says nothing of the file. */
async function refuseFormat(file: string): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of readParts(file, BEGINNING)) parts.push(part);
  const [first = ""] = new TextDecoder().decode(Buffer.concat(parts)).trim().split(/\s*\n/);
  const cells = first.split(/[,;\t]/).map((cell) => cell.replace(/["\s]/g, ""));
  const isTable = cells.length > 1 && cells.includes("image");
  if (!isTable && !first.startsWith("[") && first !== "{") return;
  const what = isTable ? "is a table with columns" : "is JSON, but not of one object a line";
  const tables = isTable ? " `notice study --dataset` takes tables." : "";
  throw new NoticeError(
    "options",
    `${file} ${what}, and a list of pairs is JSONL. Give one object a line: ` +
      `{"image": …, "corruptImage": …, "question": …, "answers": [correct, incorrect]}.${tables}`,
  );
}

async function* parseLines(
  file: string,
  mode: Mode,
  pictures: string | undefined,
): AsyncGenerator<PairLine, void, undefined> {
  for await (const line of jsonLines(file))
    try {
      if (line.refused) throw line.refused;
      yield { index: line.index, pair: pairOf(line.value, mode, { folder: dirname(file), pictures, list: "list" }) };
    } catch (error) {
      if (!(error instanceof NoticeError)) throw error;
      yield { index: line.index, refused: error };
    }
}

function pairOf(value: unknown, mode: Mode, allowed: Allowed): PairInput {
  const pair = checked(schemas[mode], value, "The line is no pair");
  const below = Object.fromEntries(
    (["image", "corruptImage"] as const).flatMap((field) => {
      const path = pair[field];
      return path === undefined ? [] : [[field, placedAs(field, path, allowed)]];
    }),
  );
  return { ...pair, ...below } as PairInput;
}

function placedAs(field: string, path: string, allowed: Allowed): string {
  try {
    return placed(path, allowed);
  } catch (error) {
    if (!(error instanceof Unusable)) throw error;
    throw new NoticeError("options", `The line is no pair: ${field}: ${error.reason}: ${error.message}.`);
  }
}
