import { createHash } from "node:crypto";
import { parse as parseToml, TomlError } from "smol-toml";
import { z } from "zod";
import { NoticeError } from "../base/errors.js";
import { checkValues, complaintsOf, parseJson, shown } from "../base/json.js";
import { namesOf } from "../base/options.js";
import { MOST_SIGMA } from "../corruption/gaussian.js";
import { FORMS } from "../data/sample.js";
import { SHIPPED_MODEL } from "../files/package.js";
import { readText } from "../files/read.js";
import type { Architecture } from "../model/architecture.js";
import { METRICS } from "../patching/metrics.js";
import { mainSites, SITES, type Site } from "../patching/sites.js";
import { READING, readingPosition } from "./reading.js";

/**
 * How a picture or a question is corrupted: semantic image pairs, symmetric token replacement, noise on the picture.
 */
export const MODALITIES = ["image", "text", "gaussian"] as const;
/** One way to corrupt a sample. */
export type Modality = (typeof MODALITIES)[number];

const MAX_SETTINGS_BYTES = 1024 * 1024;
/** A set has each of its items once, and no data set has so many files. */
const SETTINGS_BOUNDS = { most: 10_000, code: "options" } as const;

const text = z.string().min(1).max(4096);
const set = <Item extends z.ZodType>(item: Item) =>
  z
    .array(item)
    .min(1)
    .refine((items) => new Set(items).size === items.length, "each once was expected");

/** What the scores depend on: fixed for the life of a run. */
const studied = z.strictObject({
  model: text.default(SHIPPED_MODEL),
  /** `scenes`, `svo-probes`, `mit-states`, `faces`, or CSV and JSONL files of pairs. */
  dataset: set(text).default(["scenes"]),
  /** The folder of the data set, or of several by their names. */
  data: text.optional(),
  /** False: whole pictures, where the model would cut them into tiles. Default: as the checkpoint says. */
  split: z.boolean().optional(),
  /** In so many bits the model's matrices stand in memory. Default: 32. */
  bits: z.literal(16).optional(),
  /** How samples are put to the model. Default: as its architecture is asked. */
  as: z.enum(FORMS).optional(),
  /** Samples to patch in each data set. */
  n: z.int().min(1).max(1_000_000).default(60),
  /** Samples to ask about in each data set; default all, of generated scenes twice `n`. */
  candidates: z.int().min(1).max(10_000_000).optional(),
  seed: z.int().min(0).max(999_999_999).default(0),
  modalities: set(z.enum(MODALITIES)).default(["image", "text"]),
  /** Default: the `z` of each attention, and the outputs of the blocks, of the tower that reads the question. */
  sites: set(z.enum(SITES as [Site, ...Site[]])).optional(),
  direction: z.enum(["denoise", "noise"]).default("denoise"),
  /** Standard deviation of `gaussian`, in units of the normalised pixels. */
  sigma: z.number().positive().max(MOST_SIGMA).default(1),
  /** A Jinja template for the questions, instead of the data set's own. */
  template: text.optional(),
  /**
   * Patch only so many heads of each site (or layers, where it has no heads), those of which gradients expect most; 0:
   * all.
   */
  screen: z.int().min(0).max(1_000_000).default(0),
  /** Store what gradients expect of every patch beside what it does. */
  attribution: z.boolean().default(true),
  /** Passes of integrated gradients; 0: the plain gradient. */
  steps: z.int().min(0).max(1000).default(0),
});

/** How circuits are read off the scores: may change from one reading to the next. */
const read = z.strictObject({
  /**
   * `answer`, `answer-1` (as the authors' notebook), `last`, an index, or a token of the questions. Default: `last`
   * where the tower that reads the question is causal, else `answer`.
   */
  position: text.optional(),
  metric: z.enum(METRICS).default("effect"),
  /**
   * In logits: a sample whose corruption changes the logit difference by less has no effect. A share of next to nothing
   * may be any number, and one such sample would outweigh all others.
   */
  leastDifference: z.number().min(0).max(1000).default(READING.leastDifference),
  /** False discovery rate of the controlled rule. */
  rate: z.number().gt(0).lt(1).default(READING.rate),
  resamples: z.int().min(100).max(100_000).default(READING.resamples),
  /** Samples of each data set that found circuits are tested on, none of those that they were found on. */
  verify: z.int().min(0).max(1_000_000).default(20),
  /** Sets of as many random heads that a circuit is compared with. */
  randomSets: z.int().min(1).max(1000).default(20),
  /** The same of the headline's circuit, where no set of those keeps as much; never fewer than those. */
  headlineSets: z.int().min(0).max(10_000).default(1000),
});

const schema = z.strictObject({ ...studied.shape, ...read.shape });

/** Before `prepare` fills in what follows from the model. */
export type BegunSettings = z.infer<typeof schema>;
/** All settings of a run: docs/study.md has them in a table. */
export type Settings = BegunSettings & Required<Pick<BegunSettings, "sites" | "position">>;
/** Settings that somebody gave; all others are default or as they were. */
export type GivenSettings = Partial<Settings>;

const READ = namesOf<keyof Settings>(read.shape);

/**
 * A file of settings, TOML or (`.json`) JSON.
 *
 * @throws NoticeError `options` with the name of each field that is wrong.
 */
export async function readSettings(file: string): Promise<GivenSettings> {
  const content = await readText(file, { most: MAX_SETTINGS_BYTES });
  if (file.endsWith(".json")) return checkSettings(parseJson(content, file, SETTINGS_BOUNDS), file);
  checkValues(content, file, SETTINGS_BOUNDS);
  let value: unknown;
  try {
    value = parseToml(content);
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    throw new NoticeError("options", `${file} cannot be read: ${cause.message.split("\n")[0]}.`, { cause });
  }
  return checkSettings(value, file);
}

/** @throws NoticeError `options` with the name of each field that is wrong. */
export function checkSettings(value: unknown, where: string): GivenSettings {
  const parsed = schema.partial().safeParse(value, { reportInput: true });
  if (!parsed.success) throw settingsError(parsed.error, where);
  // A default fills in what was not given, which `partial` leaves to it.
  const given = new Set(Object.keys(value as object));
  return Object.fromEntries(Object.entries(parsed.data).filter(([name]) => given.has(name)));
}

/**
 * The given settings and the defaults of all others. @throws NoticeError `options` with the name of each field that is
 * wrong.
 */
export function completeSettings(given: GivenSettings): BegunSettings {
  const parsed = schema.safeParse(given, { reportInput: true });
  if (!parsed.success) throw settingsError(parsed.error, "the settings");
  return parsed.data;
}

function settingsError(error: z.ZodError, where: string): NoticeError {
  const fields = Object.keys(schema.shape).join(", ");
  return new NoticeError("options", `${where}: ${sentence(complaintsOf(error, "in all"))} Fields: ${fields}.`);
}

const sentence = (text: string) => (text.endsWith("?") ? text : `${text}.`);

/** What the scores depend on and differs, in words. */
export function differences(stored: BegunSettings, given: GivenSettings, there = "there", here = "here"): string[] {
  const names = namesOf(given).filter((name) => !READ.includes(name));
  return names
    .filter((name) => JSON.stringify(given[name]) !== JSON.stringify(stored[name]))
    .map((name) => `${name} is ${shown(stored[name])} ${there} and ${shown(given[name])} ${here}`);
}

/**
 * The settings of a run with another reading.
 *
 * @throws NoticeError `options` where something that the scores depend on differs, with the difference.
 */
export function reread(stored: BegunSettings, given: GivenSettings, run: string): BegunSettings {
  const different = differences(stored, given);
  if (different.length > 0)
    throw new NoticeError(
      "options",
      `The run ${run} was begun with other settings: ${different.join("; ")}. Leave them out to go on with it, or begin another.`,
    );
  return { ...stored, ...given };
}

/** The settings that follow from the model, where nobody gave others. */
export function settle(begun: BegunSettings, architecture: Architecture): Settings {
  const [first, ...more] = mainSites(architecture) as [Site, ...Site[]];
  const position = readingPosition(architecture, first);
  return { ...begun, sites: begun.sites ?? [first, ...more], position: begun.position ?? position };
}

/** Names what the scores depend on: 16 hexadecimal digits. */
export function settingsHash(settings: BegunSettings): string {
  const all = namesOf(studied.shape).sort();
  // Run folders that were begun before there were these settings keep their names.
  const names = all.filter((name) => !["as", "split", "bits"].includes(name) || settings[name] !== undefined);
  const content = JSON.stringify(names.map((name) => [name, settings[name] ?? null]));
  return createHash("sha256").update(content).digest("hex").slice(0, 16);
}
