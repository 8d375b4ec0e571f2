import { NoticeError, type NoticeErrorCode } from "./errors.js";

/** Configs have some hundreds of values; one that names 21,000 classes twice has 42,000. */
const MOST_VALUES = 200_000;

/**
 * JSON that anybody may have written. Two characters may become an object of sixty bytes, so the values are counted before
 * any is made.
 *
 * @param most values and names, counted by commas and brackets.
 * @throws NoticeError where the text is not JSON, or has more values.
 */
export function parseJson(
  json: string,
  file: string,
  { most = MOST_VALUES, code = "checkpoint" }: { most?: number; code?: NoticeErrorCode } = {},
): unknown {
  if (hasMoreValues(json, most))
    throw new NoticeError(code, `${file} has more than ${most} values; no sound one has so many, so it is not read.`);
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new NoticeError(code, `${file} is not JSON: ${(cause as Error).message}.`, { cause });
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
