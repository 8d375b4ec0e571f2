import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname, isAbsolute, join, win32 } from "node:path";
import { z } from "zod";
import type { PairInput } from "../blip.js";
import { NoticeError } from "../errors.js";
import { shown } from "../model/config.js";
import type { Mode } from "../patching/pair.js";

/** The longest line that is read. */
const MAX_LINE_BYTES = 1024 * 1024;

/** A line of a list of pairs: the pair, or why it is left out. */
export type PairLine =
  /** `index` counts all lines of the file from 0. */
  | { readonly index: number; readonly pair: PairInput; readonly refused?: undefined }
  | { readonly index: number; readonly pair?: undefined; readonly refused: NoticeError };

const text = z.string().min(1).max(4096);

// A list may come from anywhere. What a link inside its folder points at is for whoever made the link.
const path = text.refine(
  (given) =>
    !isAbsolute(given) && !win32.isAbsolute(given) && !given.split(/[/\\]/).includes("..") && !given.includes("\0"),
  "a path below the folder of the list was expected",
);

const both = { image: path, question: text, answers: z.tuple([text, text]) };

const schemas: Record<Mode, z.ZodType<PairInput>> = {
  image: z.object({ ...both, corruptImage: path }),
  text: z.object({ ...both, corruptQuestion: text }),
};

/**
 * The pairs of a JSONL file as `notice scenes` writes it: one object a line with `image`, `question`, `answers` (correct,
 * incorrect) and, for `mode`, `corruptImage` or `corruptQuestion`; what else it holds is not looked at. Paths are relative to the
 * file's folder and stay below it. Read line by line as they are asked for; empty lines are passed over.
 *
 * @throws NoticeError `options` where there is no such file.
 */
export async function readPairs(file: string, mode: Mode): Promise<AsyncGenerator<PairLine, void, undefined>> {
  const found = await stat(file).catch(() => undefined);
  if (!found?.isFile())
    throw new NoticeError(
      "options",
      `There is no list of pairs ${file}: ${found ? "it is not a file" : "no such file"}.`,
    );
  return parseLines(file, mode);
}

async function* parseLines(file: string, mode: Mode): AsyncGenerator<PairLine, void, undefined> {
  let index = -1;
  for await (const line of lines(file)) {
    index++;
    try {
      const pair = parseLine(line, mode, dirname(file));
      if (pair) yield { index, pair };
    } catch (error) {
      if (!(error instanceof NoticeError)) throw error;
      yield { index, refused: error };
    }
  }
}

/** How many lines `readPairs` has something to say of. */
export async function countLines(file: string): Promise<number> {
  let count = 0;
  for await (const line of lines(file)) if (!line || line.some((byte) => byte > 0x20)) count++;
  return count;
}

function parseLine(line: Uint8Array | undefined, mode: Mode, folder: string): PairInput | undefined {
  const refuse = (what: string, cause?: unknown) => new NoticeError("options", what, { cause });
  if (!line) throw refuse(`The line is longer than ${MAX_LINE_BYTES} bytes.`);
  let value: unknown;
  try {
    const json = new TextDecoder("utf-8", { fatal: true }).decode(line);
    if (json.trim() === "") return undefined;
    value = JSON.parse(json);
  } catch (cause) {
    throw refuse(`The line is not JSON in UTF-8: ${(cause as Error).message}.`, cause);
  }
  const parsed = schemas[mode].safeParse(value, { reportInput: true });
  if (!parsed.success) {
    const found = parsed.error.issues.map(
      ({ path, message, input }) => `${path.join(".") || "the line"}: ${message}, found ${shown(input)}`,
    );
    throw refuse(`The line is no pair: ${found.join("; ")}.`);
  }
  const { image, corruptImage } = parsed.data as { image: string; corruptImage?: string };
  const below = {
    image: join(folder, image),
    ...(corruptImage === undefined ? {} : { corruptImage: join(folder, corruptImage) }),
  };
  return { ...parsed.data, ...below } as PairInput;
}

/** A file's lines, undefined for one that is too long; no more than one of them is held. */
async function* lines(file: string): AsyncGenerator<Uint8Array | undefined, void, undefined> {
  let parts: Buffer[] = [];
  let length = 0;
  const add = (part: Buffer) => {
    length += part.length;
    if (length > MAX_LINE_BYTES) parts = [];
    else parts.push(part);
  };
  const take = () => {
    const line = length > MAX_LINE_BYTES ? undefined : Buffer.concat(parts);
    [parts, length] = [[], 0];
    return line;
  };
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      add(chunk.subarray(from, end));
      yield take();
      from = end + 1;
    }
    add(chunk.subarray(from));
  }
  if (length > 0) yield take();
}
