import { Command, InvalidArgumentError, Option } from "commander";
import type { WeightBits } from "../checkpoint/weights.js";
import type { HubOptions } from "../files/hub.js";
import type { Architecture } from "../model/architecture.js";
import type { Model } from "../patching/model.js";
import type { Position } from "../patching/positions.js";
import { checkSite, mainSites, type Site } from "../patching/sites.js";
import { BACKENDS, type Backend } from "../platform/backend.js";
import { say } from "./streams.js";

export interface ModelOptions {
  readonly backend?: Backend | "auto";
  /** Bytes. */
  readonly memory?: number;
  /** False: whole pictures. Commander says true where nobody gave it; then the checkpoint decides. */
  readonly split?: boolean;
  readonly bits?: WeightBits;
}

/** Of what a model is loaded with, that on which results depend, where it was given. */
export const loadedAs = ({ split, bits }: Pick<ModelOptions, "split" | "bits">) => ({
  ...(split === false ? { split } : {}),
  ...(bits === 16 ? { bits } : {}),
});

/** What a model is loaded with. */
export const loadOptions = ({ backend, memory, ...as }: ModelOptions) => ({
  ...{ backend, memory, warn: say },
  ...loadedAs(as),
});

/** A command that is given a model first. */
export function modelCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .argument("<model>", "checkpoint folder, or hub id such as Salesforce/blip-vqa-base");
}

export function backendOption(): Option {
  const about = "what computes; default: NOTICE_BACKEND, or the first that loads";
  return new Option("--backend <name>", about).choices(["auto", ...BACKENDS]);
}

/** `--backend`, `--memory`, `--no-split` and `--bits`, for every command that runs a model. */
export function withBackend(command: Command): Command {
  return command
    .addOption(backendOption())
    .option("--memory <size>", "memory for the model and its passes, such as 3GB; default: what is available", bytes)
    .option("--no-split", "take pictures whole, where the model would cut them into tiles")
    .option("--bits <number>", "16 keeps the model's matrices in half the memory; default: 32", weightBits);
}

function weightBits(given: string): WeightBits {
  if (given === "16") return 16;
  if (given === "32") return 32;
  throw new InvalidArgumentError("16 or 32 was expected.");
}

/** `3GB`, `500MB`, `4GiB` */
export function bytes(size: string): number {
  const [, amount, unit, binary] = /^(\d+(?:\.\d+)?)\s*([MG])(i?)B?$/i.exec(size.trim()) ?? [];
  if (Number(amount ?? 0) === 0) throw new InvalidArgumentError("A size such as 500MB or 3GB was expected.");
  return Math.round(Number(amount) * (binary ? 1024 : 1000) ** (unit!.toUpperCase() === "G" ? 3 : 2));
}

export function withJson(command: Command): Command {
  return command.option("--json <file>", "write the result as JSON to this file; - prints it instead of the table");
}

/** The model that a command names: a folder, or a hub id that is downloaded first if need be. */
export async function loadModel(model: string, options: ModelOptions): Promise<Model> {
  const patching = await import("../patching/load-model.js");
  return whileDownloading((hub) => patching.loadModel(model, { ...loadOptions(options), hub }));
}

/** Its folder, likewise. */
export async function modelFolder(model: string): Promise<string> {
  const { resolveModel } = await import("../files/hub.js");
  return whileDownloading((hub) => resolveModel(model, hub));
}

/** The site that somebody named, or of the model that the command names the one that is patched first. */
export async function siteOf(model: string, site: string | undefined): Promise<Site> {
  if (site !== undefined) return checkSite(site);
  return mainSites(await architectureOf(model))[0]!;
}

/** The architecture of the model that the command names, without its weights. */
export async function architectureOf(model: string): Promise<Architecture> {
  const { filesOf, readFacts } = await import("../model/load.js");
  return whileDownloading(async (hub) => {
    const { files } = await filesOf(model, { hub });
    // Loading the model says what was repaired.
    return (await readFacts(files, () => {})).architecture;
  });
}

async function whileDownloading<Result>(work: (hub: HubOptions) => Promise<Result>): Promise<Result> {
  const { downloadReport } = await import("./download.js");
  const report = downloadReport();
  try {
    return await work({ onProgress: report.update, onWait: say });
  } finally {
    report.stop();
  }
}

/** `a, b` -> ["a", "b"] */
export const listOf = (text: string): string[] => text.split(",").map((part) => part.trim());

/** `0,2-4` -> [0, 2, 3, 4] */
export function indices(list: string): number[] {
  return list.split(",").flatMap((part) => {
    const [, from, to = from] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part.trim()) ?? [];
    if (from === undefined || Number(to) < Number(from))
      throw new InvalidArgumentError(`${JSON.stringify(part)} is neither an index nor a range such as 2-4.`);
    return Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) => Number(from) + i);
  });
}

/** `3,5-7` as indices; anything else is a name. */
export function tokenPosition(text: string): Position {
  return /^\d[\d,-]*$/.test(text) ? indices(text) : text;
}

/** What `--out` is of a command that makes a folder. */
export function folder(path: string): string {
  if (path === "-") throw new InvalidArgumentError("A folder was expected, and standard output is none.");
  return path;
}

export function decimal(text: string): number {
  if (!/^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) throw new InvalidArgumentError("A number was expected.");
  return Number(text);
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
