import type { z } from "zod";
import { either, NoticeError, type NoticeErrorCode } from "./errors.js";
import { nearest } from "./nearest.js";
import { isPointer, pointerError } from "./pointer.js";

/** Configs have some hundreds of values; one that names 21,000 classes twice has 42,000. */
const MOST_VALUES = 200_000;

/** The largest JSON or vocabulary of a checkpoint that is read: the hub's are below 3 MB. */
export const MAX_TEXT_BYTES = 64 * 1024 * 1024;

interface Bounds {
  /** Values and names, counted by commas and brackets. */
  readonly most?: number;
  readonly code?: NoticeErrorCode;
}

/** @throws NoticeError where a text, JSON or TOML, has more values. */
export function checkValues(
  text: string,
  file: string,
  { most = MOST_VALUES, code = "checkpoint" }: Bounds = {},
): void {
  if (hasMoreValues(text, most))
    throw new NoticeError(code, `${file} has more than ${most} values; no sound one has so many, so it is not read.`);
}

/**
 * JSON that anybody may have written. Two characters may become an object of sixty bytes, so the values are counted
 * before any is made.
 *
 * @throws NoticeError where the text is not JSON, or has more values.
 */
export function parseJson(json: string, file: string, bounds: Bounds = {}): unknown {
  checkValues(json, file, bounds);
  if (isPointer(json)) throw pointerError(file, bounds.code);
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new NoticeError(bounds.code ?? "checkpoint", `${file} is not JSON: ${(cause as Error).message}.`, { cause });
  }
}

function hasMoreValues(json: string, most: number): boolean {
  if (json.length <= most) return false;
  let count = 0;
  for (let at = 0; at < json.length; at++) {
    const char = json.charCodeAt(at);
    if ((char === 0x2c || char === 0x5b || char === 0x7b) && ++count > most) return true; // , [ {
  }
  return false;
}

/** What somebody's JSON holds, short enough for an error. */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  try {
    const json = JSON.stringify(value);
    return json.length > 80 ? `${json.slice(0, 80)}…` : json;
  } catch {
    return "a value that is nested too deeply to show";
  }
}

/**
 * What a schema found wrong, field by field, with what was found there where the schema was told to report its input.
 *
 * @param whole names the value itself.
 */
export function complaintsOf({ issues }: Pick<z.ZodError, "issues">, whole: string): string {
  const one = (issue: (typeof issues)[number]) => `${issue.path.join(".") || whole}: ${wrongIn(issue)}`;
  return issues.map(one).join("; ");
}

/** With the nearest name where one of several was expected, and all where they are few. */
function wrongIn(issue: z.core.$ZodIssue): string {
  const found = "input" in issue ? `found ${shown(issue.input)}` : "";
  if (issue.code !== "invalid_value" || typeof issue.input !== "string" || issue.values.length < 2)
    return [issue.message, found].filter(Boolean).join(", ");
  const names = issue.values.map(String);
  const all = names.length <= 12 ? `, expected ${either(names)}` : "";
  return `${found}${all}, did you mean ${nearest(issue.input, names)}?`;
}
