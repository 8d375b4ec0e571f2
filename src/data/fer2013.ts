import { rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { partialOf, removeLeftoversOf } from "../files/leftovers.js";
import { fileDigest, findFile } from "../files/read.js";
import { fileError, isFileError } from "../files/system-error.js";
import { makeFolder, writeWhole } from "../files/write.js";
import { encodePng } from "../pictures/picture.js";
import { csvRows } from "./csv.js";

/** The numbers of `emotion`. */
const EMOTIONS = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"];
const SPLITS = ["Training", "PublicTest", "PrivateTest"];
const SIDE = 48;

/** What the pictures of a file were unpacked to, or are being. */
export const isUnpacked = (folder: string) => /^fer2013-[0-9a-f]{8}(\.partial-|$)/.test(folder);

/** A row that is no face, and why. */
interface Broken {
  readonly row: number;
  readonly reason: string;
}

/**
 * Writes the faces of FER2013 (`fer2013.csv`: emotion, pixels, Usage) as `fer2013-HASH/USAGE/EXPRESSION/ROW.png`, once.
 * The folder is whole or not there.
 *
 * @returns its name, and the rows that are no faces; undefined where there is no such file.
 * @throws NoticeError `options` where it is not that table, or the folder may not be written to.
 */
export async function unpackFer(
  folder: string,
): Promise<{ readonly name: string; readonly broken: readonly Broken[] } | undefined> {
  const file = join(folder, "fer2013.csv");
  if (!(await findFile(file))) return undefined;
  const name = `fer2013-${(await fileDigest(file)).slice(0, 8)}`;
  const place = join(folder, name);
  const isThere = await stat(place).catch(() => undefined);
  const beside = isThere ? undefined : partialOf(place);
  const broken: Broken[] = [];
  try {
    if (beside !== undefined) await removeLeftoversOf(place);
    for await (const { row, cells, broken: reason } of csvRows(file, ["emotion", "pixels", "Usage"])) {
      const face = cells ? faceOf(cells) : reason;
      if (typeof face === "string") broken.push({ row, reason: face });
      else if (beside !== undefined) {
        const within = join(beside, ...face.folders);
        await makeFolder(within);
        await writeWhole(join(within, `${row}.png`), encodePng({ width: SIDE, height: SIDE, data: face.data }));
      }
    }
    if (beside === undefined) return { name, broken };
    await makeFolder(beside);
    await rename(beside, place);
    return { name, broken };
  } catch (error) {
    throw isFileError(error) ? fileError(place, "written", error) : error;
  } finally {
    if (beside !== undefined) await rm(beside, { recursive: true, force: true }).catch(() => {});
  }
}

/** A row's face, grey as RGB, and the folders that it belongs to; or why it is none. */
function faceOf(cells: ReadonlyMap<string, string>): { folders: readonly string[]; data: Uint8Array } | string {
  const cell = (name: string) => cells.get(name)!.trim();
  const expression = /^[0-6]$/.test(cell("emotion")) ? EMOTIONS[Number(cell("emotion"))]! : undefined;
  if (expression === undefined) return `emotion is ${JSON.stringify(cell("emotion"))}, none of 0 to 6`;
  const usage = cell("Usage");
  if (!SPLITS.includes(usage)) return `Usage is ${JSON.stringify(usage)}, none of ${SPLITS.join(", ")}`;
  const values = cell("pixels").split(/\s+/);
  if (values.length !== SIDE * SIDE) return `${values.length} pixels; ${SIDE} x ${SIDE} were expected`;
  const wrong = values.find((value) => !/^\d{1,3}$/.test(value) || Number(value) > 255);
  if (wrong !== undefined) return `a pixel is ${JSON.stringify(wrong)}, no number from 0 to 255`;
  const data = Uint8Array.from({ length: 3 * values.length }, (_, i) => Number(values[Math.floor(i / 3)]));
  return { folders: [usage, expression], data };
}
