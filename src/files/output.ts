import { open, stat } from "node:fs/promises";
import { NoticeError } from "../base/errors.js";
import { kindOf } from "./read.js";
import { refuseRunFile } from "./run-files.js";
import { fileError } from "./system-error.js";
import { type Content, writeWhole } from "./write.js";

/** By kind, how what this package wrote begins (or ends), as Latin-1. A test writes each twice. */
const WRITTEN = {
  json: [
    /^\{\s*"(metric": "[A-Za-z]+",\s*"position"|circuits": \[|runs": \[\s*\{\s*"folder"|run": "(\\.|[^"\\])*",\s*"datasets"|answer": "(\\.|[^"\\])*",\s*"tokens"|node": "v[^"]*",\s*"tfjs")/,
    /^\{\s*"model": "(\\.|[^"\\])*",\s*"(direction|mode|seed|site)":/,
  ],
  jsonl: [/^\{"index":\d+,"(model|mode)":/],
  png: [/^.PNG\r\n.{31}tEXtSoftware.vlm-notice/s],
  svg: [/^<svg [^>]*class="marks"/],
  page: [
    /^<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy"/,
  ],
  "scores.csv": [/^sample,dataset,group,modality,direction,site,layer,head,position,token,answer_token,/],
  "scores.json": [/^\[\s*\{"sample":"(\\.|[^"\\])*","dataset":"(\\.|[^"\\])*","group":/],
  "scores.parquet": [/^PAR1.*corrupted_logit_diff.*settings_hash.*PAR1$/s],
  "rules.csv": [/^dataset,modality,rule,heads,size,of,found_on,tested_on,/],
  "rules.json": [/^\[\s*\{"dataset":"(\\.|[^"\\])*","modality":"[a-z]*","rule":/],
  "rules.parquet": [/^PAR1.*found_on.*random_sets.*PAR1$/s],
} as const satisfies Record<string, readonly RegExp[]>;

/** What is written. */
export type OutputKind = keyof typeof WRITTEN;

/** How much of a file tells what it is. */
const ENDS = 65_536;

/**
 * Refuses a path at which there is something that this package did not write, or that belongs to a run. Empty files may
 * be replaced.
 *
 * @throws NoticeError `options`
 */
export async function checkOutput(path: string, kind: OutputKind): Promise<void> {
  await refuseRunFile(path);
  await refuseForeign(path, kind);
}

/** As `checkOutput`, for a run's own files. @throws NoticeError `options` */
export async function refuseForeign(path: string, kind: OutputKind): Promise<void> {
  if (await isWritten(path, kind)) return;
  throw new NoticeError(
    "options",
    `${path} cannot be written: there is a file that \`notice\` did not write as ${kind}. Give another name, or move it away.`,
  );
}

/** Whether a file is of this kind and ours; also where there is none, or an empty one. */
export async function isWritten(path: string, kind: OutputKind): Promise<boolean> {
  const ends = await endsOf(path);
  return ends === "" || WRITTEN[kind].some((pattern) => pattern.test(ends));
}

async function endsOf(path: string): Promise<string> {
  const refuse = (error: unknown): never => {
    throw fileError(path, "written", error);
  };
  const found = await stat(path).catch((error) => (error.code === "ENOENT" ? undefined : refuse(error)));
  if (!found) return "";
  if (!found.isFile()) {
    const what = `it is ${kindOf(found)}. Give the path of a file`;
    throw new NoticeError("options", `${path} cannot be written: ${what}.`);
  }
  const file = await open(path).catch(refuse);
  try {
    const part = async (from: number) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(ENDS), 0, ENDS, from);
      return buffer.toString("latin1", 0, bytesRead);
    };
    return (await part(0)) + (found.size > ENDS ? await part(Math.max(ENDS, found.size - ENDS)) : "");
  } finally {
    await file.close();
  }
}

/**
 * Writes a whole file or nothing where somebody said.
 *
 * @throws NoticeError `options` as `checkOutput` and `writeWhole`.
 */
export async function writeOutput(path: string, kind: OutputKind, content: Content): Promise<void> {
  await checkOutput(path, kind);
  await writeWhole(path, content);
}
