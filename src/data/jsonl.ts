import { isAbsolute, win32 } from "node:path";
import { z } from "zod";
import { NoticeError } from "../base/errors.js";
import { complaintsOf } from "../base/json.js";
import { readParts } from "../files/read.js";

/** The longest line that is read. */
const MAX_LINE_BYTES = 1024 * 1024;

/** A line of a JSONL file, `index` counting all lines from 0: its value, or why it has none. */
type JsonLine =
  | { readonly index: number; readonly value: unknown; readonly refused?: undefined }
  | { readonly index: number; readonly refused: NoticeError };

/** What a field of a list holds as text: not empty, and no novel. */
export const text = z.string().min(1).max(4096);

/**
 * Whether a path stays below the folder that it is relative to: a list may come from anywhere. What a link inside its
 * folder points at is for whoever made the link.
 */
export const isBelow = (path: string) =>
  !isAbsolute(path) && !win32.isAbsolute(path) && !path.split(/[/\\]/).includes("..") && !path.includes("\0");

/** The values of a JSONL file, line by line as they are asked for; empty lines are passed over. */
export async function* jsonLines(file: string): AsyncGenerator<JsonLine, void, undefined> {
  let index = -1;
  for await (const line of fileLines(file)) {
    index++;
    try {
      const value = parseLine(line);
      if (value !== undefined) yield { index, value };
    } catch (error) {
      if (!(error instanceof NoticeError)) throw error;
      yield { index, refused: error };
    }
  }
}

/** How many lines `jsonLines` has something to say of. */
export async function countLines(file: string): Promise<number> {
  let count = 0;
  for await (const line of fileLines(file)) if (!line || line.some((byte) => byte > 0x20)) count++;
  return count;
}

/** @throws NoticeError `options` naming each field that is not as expected. */
export function checked<Value>(schema: z.ZodType<Value>, value: unknown, complaint: string): Value {
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return parsed.data;
  throw new NoticeError("options", `${complaint}: ${complaintsOf(parsed.error, "the line")}.`);
}

function parseLine(line: Uint8Array | undefined): unknown {
  if (!line) throw new NoticeError("options", `The line is longer than ${MAX_LINE_BYTES} bytes.`);
  try {
    const json = new TextDecoder("utf-8", { fatal: true }).decode(line);
    return json.trim() === "" ? undefined : JSON.parse(json);
  } catch (cause) {
    throw new NoticeError("options", `The line is not JSON in UTF-8: ${(cause as Error).message}.`, { cause });
  }
}

/** A file's lines, undefined for one that is too long; no more than one of them is held. */
export async function* fileLines(
  file: string,
  most = MAX_LINE_BYTES,
): AsyncGenerator<Uint8Array | undefined, void, undefined> {
  let parts: Buffer[] = [];
  let length = 0;
  const add = (part: Buffer) => {
    length += part.length;
    if (length > most) parts = [];
    else parts.push(part);
  };
  const take = () => {
    const line = length > most ? undefined : Buffer.concat(parts);
    [parts, length] = [[], 0];
    return line;
  };
  for await (const chunk of readParts(file)) {
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
