import { once } from "node:events";
import { access, constants, stat } from "node:fs/promises";
import { basename, dirname, extname, resolve } from "node:path";
import { NoticeError } from "../base/errors.js";
import { removeLeftovers } from "../files/leftovers.js";
import { checkOutput, type OutputKind, writeOutput } from "../files/output.js";
import type { Content } from "../files/write.js";
import { jsonText, print } from "./streams.js";

/** Files to write; `-` is standard output. */
export interface Outputs {
  readonly json?: string;
  readonly png?: string;
  readonly out?: string;
}

const STANDARD_OUTPUT = "-";

/** Whether something is written to a file. */
export const isFile = (out: string | undefined): out is string => out !== undefined && out !== STANDARD_OUTPUT;

/**
 * Refuses, before the long work, output files that could not be written after it, or are not ours to replace. Call it
 * first.
 *
 * @param outKind what `--out` is.
 * @throws NoticeError `options`
 */
export async function checkOutputs({ json, png, out }: Outputs, outKind: OutputKind = "jsonl"): Promise<void> {
  const taken = new Set<string>();
  for (const [option, file] of Object.entries({ "--json": json, "--png": png, "--out": out })) {
    if (file === undefined) continue;
    const bad = (what: string) => new NoticeError("options", `${option} ${file} cannot be written: ${what}.`);
    const place = file === STANDARD_OUTPUT ? file : resolve(file);
    if (taken.has(place)) throw bad("another option names it too");
    taken.add(place);
    const kind = option === "--out" ? outKind : option === "--png" ? figureKind(file) : "json";
    if (file !== STANDARD_OUTPUT) await checkFile(file, kind, bad);
  }
}

async function checkFile(file: string, kind: OutputKind, bad: (what: string) => NoticeError): Promise<void> {
  const folder = dirname(resolve(file));
  if (!(await stat(folder).catch(() => undefined))?.isDirectory()) throw bad(`the folder ${folder} does not exist`);
  await access(folder, constants.W_OK).catch(() => {
    throw bad(`the folder ${folder} may not be written to`);
  });
  const there = await stat(file).catch(() => undefined);
  if (there && !there.isFile()) throw bad("there is something that is no file; - stands for standard output");
  await checkOutput(file, kind);
  await removeLeftovers(folder, basename(file));
}

/** What a figure is by the ending of its file's name. @throws NoticeError `options` for an ending of something else. */
export function figureKind(file: string, option = "--png"): "png" | "svg" {
  const ending = extname(file).toLowerCase();
  if (ending === ".svg") return "svg";
  if (ending === ".png" || ending === "") return "png";
  throw new NoticeError("options", `${option} ${file}: figures are written as .png or .svg, and not as ${ending}.`);
}

/** JSON to its file; the table for people unless something else has taken standard output. */
export async function printResult(result: unknown, table: () => string, outputs: Outputs): Promise<void> {
  const { json, png, out } = outputs;
  if (json !== undefined) await writeTo(json, "json", jsonText(result));
  if (![json, png, out].includes(STANDARD_OUTPUT)) print(table());
}

/** Writes a whole file, or to standard output as the parts come. @throws NoticeError `options` as `writeOutput`. */
export async function writeTo(file: string, kind: OutputKind, content: Content): Promise<void> {
  if (file !== STANDARD_OUTPUT) return writeOutput(file, kind, content);
  const parts = typeof content === "string" || content instanceof Uint8Array ? [content] : content;
  for await (const part of parts) if (!process.stdout.write(part)) await once(process.stdout, "drain");
}
