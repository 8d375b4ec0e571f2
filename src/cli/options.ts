import { access, constants, stat } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { NoticeError } from "../base/errors.js";
import { removeLeftovers } from "../files/leftovers.js";
import { checkOutput, type OutputKind, writeOutput } from "../files/output.js";
import type { Model } from "../patching/model.js";
import { BACKENDS, type Backend } from "../platform/backend.js";
import { jsonText, print, say } from "./streams.js";

export interface ModelOptions {
  readonly backend?: Backend | "auto";
  /** Bytes. */
  readonly memory?: number;
}

export interface JsonOptions {
  readonly json?: string;
}

export function backendOption(): Option {
  const about = "what computes; default: NOTICE_BACKEND, or the first that loads";
  return new Option("--backend <name>", about).choices(["auto", ...BACKENDS]);
}

/** `--backend` and `--memory`, for every command that runs a model. */
export function withBackend(command: Command): Command {
  return command
    .addOption(backendOption())
    .option("--memory <size>", "memory for the model and its passes, such as 3GB; default: what is available", bytes);
}

/** `3GB`, `500MB` */
function bytes(size: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*([MG])B?$/i.exec(size.trim()) ?? [];
  if (amount === undefined) throw new InvalidArgumentError("A size such as 500MB or 3GB was expected.");
  return Number(amount) * (unit!.toUpperCase() === "G" ? 1e9 : 1e6);
}

export function withJson(command: Command): Command {
  return command.option("--json <file>", "write the result as JSON to this file; - prints it instead of the table");
}

/** The model that a command names: a folder, or a hub id that is downloaded first if need be. */
export async function loadModel(model: string, { backend, memory }: ModelOptions): Promise<Model> {
  const patching = await import("../patching/model.js");
  const { downloadReport } = await import("./download.js");
  const report = downloadReport();
  try {
    return await patching.loadModel(model, {
      backend,
      memory,
      warn: say,
      hub: { onProgress: report.update, onWait: say },
    });
  } finally {
    report.stop();
  }
}

/**
 * Refuses, before the long work, output files that could not be written after it, or are not ours to replace. Call it
 * first.
 *
 * @param outputs by option; undefined where it is not given, `-` for standard output.
 * @param out what `--out` is.
 * @throws NoticeError `options`
 */
export async function checkOutputs(
  outputs: Partial<Record<"--json" | "--png" | "--out", string>>,
  out: OutputKind = "jsonl",
): Promise<void> {
  const taken = new Set<string>();
  for (const [option, file] of Object.entries(outputs)) {
    if (file === undefined || file === "-") continue;
    const bad = (what: string) => new NoticeError("options", `${option} ${file} cannot be written: ${what}.`);
    const folder = dirname(resolve(file));
    if (!(await stat(folder).catch(() => undefined))?.isDirectory()) throw bad(`the folder ${folder} does not exist`);
    await access(folder, constants.W_OK).catch(() => {
      throw bad(`the folder ${folder} may not be written to`);
    });
    const there = await stat(file).catch(() => undefined);
    if (there && !there.isFile()) throw bad("there is something that is no file; - stands for standard output");
    if (taken.has(resolve(file))) throw bad("another option names it too");
    taken.add(resolve(file));
    await checkOutput(file, option === "--out" ? out : option === "--png" ? "png" : "json");
    await removeLeftovers(folder, basename(file));
  }
}

/** JSON to its file or to standard output; the table for people unless JSON has taken standard output. */
export async function printResult(result: unknown, table: () => string, { json }: JsonOptions): Promise<void> {
  if (json !== undefined && json !== "-") await writeOutput(json, "json", jsonText(result));
  print(json === "-" ? jsonText(result) : table());
}

/** `0,2-4` -> [0, 2, 3, 4] */
export function indices(list: string): number[] {
  return list.split(",").flatMap((part) => {
    const [, from, to = from] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part.trim()) ?? [];
    if (from === undefined || Number(to) < Number(from))
      throw new InvalidArgumentError(`${JSON.stringify(part)} is neither an index nor a range such as 2-4.`);
    return Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) => Number(from) + i);
  });
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("A whole number was expected.");
  return Number(text);
}

/** Rows of equal length as aligned columns: to the right where all below the header are numbers. */
export function columns(rows: readonly (readonly (string | number)[])[], header: readonly string[] = []): string {
  const texts = rows.map((row) => row.map(String));
  const lines = header.length > 0 ? [header, ...texts] : texts;
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const right = widths.map((_, column) => texts.every((row) => /^(-?\d[\d.]*|-)$/.test(row[column]!)));
  return lines
    .map((line) => line.map((text, c) => (right[c] ? text.padStart(widths[c]!) : text.padEnd(widths[c]!))).join("  "))
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}
