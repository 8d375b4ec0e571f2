import { readdir, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PNG } from "pngjs";
import { NoticeError } from "../../base/errors.js";
import { checkShape } from "../../base/options.js";
import { partialOf, removeLeftoversOf } from "../../files/leftovers.js";
import { fileError, isFileError } from "../../files/system-error.js";
import { makeFolder } from "../../files/write.js";
import { encodePng } from "../../pictures/picture.js";
import type { Form } from "../sample.js";
import type { Said } from "../statement.js";
import { type Drawing, size } from "./canvas.js";
import { encodeGreyJpeg, encodeJpeg } from "./jpeg.js";
import { caption, draw, type Sample, type Scene, sampleAt, sceneName, tasks, truth } from "./scene.js";
import { isTrueAt, putScene } from "./sentences.js";
import type { Word } from "./vocabulary.js";

interface WriteScenesOptions {
  /** Pairs a task. */
  readonly count: number;
  /** Another seed, other scenes. The shipped checkpoint learned from seed 1. */
  readonly seed: number;
  /** How the pairs of pairs.jsonl are put. Default: as questions. */
  readonly as?: Form;
  /** Called after each pair with the pairs done, of three times `count`. */
  readonly progress?: (done: number) => void;
}

/** Names of the facial-expression data sets' folders where they are not the adjective itself. */
const folders: Partial<Record<Word<"expression">, string>> = {
  disgusted: "disgust",
  fearful: "fear",
  surprised: "surprise",
};

const svoColumns =
  "sentence,pos_triplet,neg_triplet,pos_url,neg_url,pos_image_id,neg_image_id,subj_neg,verb_neg,obj_neg";

/**
 * Writes `count` minimal pairs of each task into a new folder, in the formats of the data sets that they mirror:
 *
 *     svo-probes/svo_probes.csv, svo-probes/images/ID.jpg            SVO-Probes' columns; URLs are relative to the CSV
 *     mit-states/ADJECTIVE NOUN/ID.jpg                               MIT-States: the adjective is the one asked about
 *     facial-expressions/{angry,disgust,fear,happy,…}/ID.jpg         FER: grey, 48x48
 *     pairs.jsonl, images/ID.png, masks/ID/OBJECT.PART.png           the exact pairs, lossless, with what is where
 *
 * Written beside the folder and renamed at the end, so a folder of this name is a whole one.
 * @throws NoticeError `options` where the folder exists and is not empty.
 */
export async function writeScenes(directory: string, options: WriteScenesOptions): Promise<void> {
  checkShape("writeScenes", options, { such: "{ count: 10, seed: 1 }", keys: ["count", "seed", "as", "progress"] });
  const { count, seed, as = "question", progress } = options;
  await refuseFull(directory);
  const beside = partialOf(directory);
  await removeLeftoversOf(directory);
  const put = filesIn(beside);
  /** The files of the pair before, which are written while the next is drawn. */
  let writing: Promise<unknown> = Promise.resolve();
  try {
    await rm(beside, { recursive: true, force: true });
    const pairs: string[] = [];
    const rows = [svoColumns];
    for (const task of tasks) {
      for (let index = 0; index < count; index++) {
        const sample = sampleAt(task, seed, index);
        const drawings = [draw(sample.scene), draw(sample.corrupt)] as const;
        const said = { ...sample, corruptQuestion: undefined, ...putScene(sample, as, isTrueAt(index)) };
        const { line, files } = pairFiles(sceneName(task, index), said, drawings);
        pairs.push(JSON.stringify(line));
        if (task === "actions") rows.push(svoRow(sample, 2 * index + 1));
        for (const [i, scene] of [sample.scene, sample.corrupt].entries())
          files.push([imagePath(scene, sample, 2 * index + 1 + i), await datasetImage(scene, drawings[i]!)]);
        await writing;
        writing = Promise.all(files.map(put));
        writing.catch(() => {}); // until it is awaited
        progress?.(pairs.length);
      }
    }
    await writing;
    await put(["svo-probes/svo_probes.csv", `${rows.join("\n")}\n`]);
    await put(["pairs.jsonl", `${pairs.join("\n")}\n`]);
    await rmdir(directory).catch(ignoreMissing);
    await rename(beside, directory);
  } catch (error) {
    throw isFileError(error) ? fileError(directory, "written", error) : error;
  } finally {
    await writing.catch(() => {});
    await rm(beside, { recursive: true, force: true }).catch(() => {});
  }
}

async function refuseFull(directory: string) {
  const found = await readdir(directory)
    .catch(ignoreMissing)
    .catch((cause) => {
      throw fileError(directory, "written", cause);
    });
  if (found !== undefined && found.length > 0) {
    const what = `${directory} is not empty; scenes are written into a new or empty folder`;
    throw new NoticeError("options", `${what}: give another name or empty this one`);
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

/** Both pictures and all masks of a pair, and its line of pairs.jsonl, with paths relative to that file. */
function pairFiles(name: string, sample: Omit<Sample, keyof Said> & Said, drawings: readonly [Drawing, Drawing]) {
  const { scene, corrupt, aspect, question, corruptQuestion, answers } = sample;
  const files: File[] = [];
  const add = (id: string, { picture, masks }: Drawing) => {
    const image = `images/${id}.png`;
    files.push([image, encodePng(picture)]);
    const paths: Record<string, string> = {};
    for (const [part, mask] of masks) {
      paths[part] = `masks/${id}/${part}.png`;
      files.push([paths[part], encodeMask(mask)]);
    }
    return { image, masks: paths };
  };
  const clean = add(name, drawings[0]);
  const other = add(`${name}-corrupt`, drawings[1]);
  const line = {
    task: scene.kind,
    aspect,
    image: clean.image,
    corruptImage: other.image,
    caption: caption(scene),
    corruptCaption: caption(corrupt),
    question,
    corruptQuestion,
    answers,
    masks: clean.masks,
    corruptMasks: other.masks,
  };
  return { line, files };
}

function imagePath(scene: Scene, { aspect }: Sample, id: number): string {
  if (scene.kind === "actions") return `svo-probes/images/${id}.jpg`;
  const file = `${String(id).padStart(5, "0")}.jpg`;
  if (scene.kind === "faces") return `facial-expressions/${folders[scene.expression] ?? scene.expression}/${file}`;
  return `mit-states/${truth(scene, aspect)} ${scene.shapes[0]!.noun}/${file}`;
}

const datasetImage = (scene: Scene, { picture }: Drawing) =>
  scene.kind === "faces" ? encodeGreyJpeg(picture, 48) : encodeJpeg(picture);

function svoRow({ scene, corrupt, aspect }: Sample, id: number): string {
  const triplet = (one: Scene) =>
    `"${["subject", "verb", "object"].map((role) => truth(one, role as "verb")).join(",")}"`;
  const flag = (role: string) => (aspect === role ? "True" : "False");
  const images = [`images/${id}.jpg`, `images/${id + 1}.jpg`, id, id + 1];
  const flags = [flag("subject"), flag("verb"), flag("object")];
  return [caption(scene), triplet(scene), triplet(corrupt), ...images, ...flags].join(",");
}

/** A mask as the bytes of an 8-bit grey PNG file. */
function encodeMask(mask: Uint8Array): Uint8Array {
  const png = new PNG({ width: size, height: size });
  png.data.set(mask);
  return PNG.sync.write(png, { colorType: 0, inputColorType: 0, inputHasAlpha: false });
}

/** A path within the folder, and what is written there. */
type File = [path: string, content: Uint8Array | string];

/** Writes files into a folder, and makes each folder on their way once. */
function filesIn(directory: string) {
  const made = new Map<string, Promise<void>>();
  return async ([path, content]: File) => {
    const file = join(directory, path);
    const folder = dirname(file);
    if (!made.has(folder)) made.set(folder, makeFolder(folder));
    await made.get(folder);
    await writeFile(file, content);
  };
}
