import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import type { Random } from "../../../src/base/random.js";
import { faces } from "../../../src/data/faces.js";
import { mitStates } from "../../../src/data/mit-states.js";
import type { Dataset } from "../../../src/data/sample.js";
import { svoProbes } from "../../../src/data/svo-probes.js";
import { table } from "../../../src/data/table.js";
import { temporaryFolder } from "../../support/checkpoint.js";
import { CONTEXT, collect } from "../../support/prepare.js";
import { Found } from "../judge.js";
import type { Kind, Outcome } from "../kind.js";
import { anyJson, HOSTILE, mutateBytes, whole } from "../mutate.js";

const WORDS = "girl boy dog holding walking red blue True False 1 2 1.jpg images/1.jpg".split(" ");
const SVO = ["pos_triplet", "neg_triplet", "pos_image_id", "neg_image_id", "subj_neg", "verb_neg", "obj_neg", "prompt"];
const FIELDS = "id dataset group image corruptImage question corruptQuestion answers mask masks".split(" ");

/** CSV and JSONL of SVO-Probes and one's own tables; trees of folders for the data sets that are such. */
export const tables: Kind = {
  name: "tables",
  share: 230,
  open: async () => {
    // Beside the folder lies what nobody may reach: pictures under names that hostile paths lead to.
    const parent = temporaryFolder();
    const folder = join(parent, "data");
    mkdirSync(join(folder, "images"), { recursive: true });
    for (const name of ["../1.jpg", "images/1.jpg", "images/2.jpg", "1.jpg"]) writeFileSync(join(folder, name), "");
    const write = (name: string, content: string | Uint8Array) => writeFileSync(join(folder, name), content);
    const own = (name: string) => (choose: Random, content: string) => {
      write(name, spoilt(choose, content));
      return survive(table, join(folder, name), folder);
    };
    return {
      // Trees of many files are the dearest.
      run: (choose) =>
        choose.chance(0.06)
          ? trees(choose, parent)
          : choose.pick([
              () => {
                write("svo_probes.csv", spoilt(choose, svoTable(choose)));
                return survive(svoProbes, folder, folder);
              },
              () => own("t.jsonl")(choose, Array.from({ length: 25 }, () => jsonRow(choose)).join("\n")),
              () => own("t.csv")(choose, csvTable(choose)),
            ])(),
    };
  },
};

/** Now and then bytes that are no text. */
function spoilt(choose: Random, content: string): string | Uint8Array {
  if (choose.chance(0.9)) return content;
  const bytes = Uint8Array.from({ length: 3000 }, () => choose.between(0, 256));
  return choose.pick([bytes, Buffer.concat([Buffer.from(content), bytes]), mutateBytes(choose, Buffer.from(content))]);
}

/** Reads: each thing is a sample of files below the folder, or named among what was left out. */
export async function survive(dataset: Dataset, path: string, root: string): Promise<Outcome> {
  const { samples, excluded } = await collect(dataset(path, CONTEXT));
  for (const { id, image, corruptImage, mask, question, answers } of samples) {
    if (!/^[\w.-]+$/.test(id)) throw new Found("wrong", `a sample's id is ${JSON.stringify(id)}`);
    for (const file of [image, corruptImage, mask])
      if (file !== undefined && !resolve(file).startsWith(root + sep))
        throw new Found("wrong", `${JSON.stringify(file)} is not below the folder`);
    if (question.length === 0 || answers[0] === answers[1])
      throw new Found("wrong", `question ${JSON.stringify(question)}, answers ${JSON.stringify(answers)}`);
  }
  for (const { source, reason, detail } of excluded)
    if (source === "" || reason === "" || detail.length > 300)
      throw new Found("wrong", `left out without a reason, or with a long one: ${source}: ${reason}`);
  return samples.length > 0 ? "taken" : "refused";
}

const word = (choose: Random) => choose.pick(choose.chance(0.4) ? HOSTILE : WORDS);
/** As CSV has it, or as it must not. */
const cell = (choose: Random, text = word(choose)) =>
  choose.chance(0.8) ? `"${text.replaceAll('"', '""')}"` : choose.chance(0.5) ? text : `"${text}`;

function svoTable(choose: Random): string {
  const header = choose.chance(0.9) ? SVO : SVO.map((name) => (choose.chance(0.8) ? name : word(choose)));
  const rows = Array.from({ length: 25 }, () => svoRow(choose));
  return [header.join(","), ...rows].join(choose.chance(0.9) ? "\n" : "\r");
}

/** A row of SVO-Probes with some of its cells broken. */
function svoRow(choose: Random): string {
  const triplets = ["girl,holding,dog", "girl,walking,dog"];
  const sound = [...triplets, "1", "2", "False", "True", "False", "is girl holding or walking dog?"];
  const cells = sound.map((text) => cell(choose, choose.chance(0.85) ? text : word(choose)));
  if (choose.chance(0.1)) cells.splice(whole(choose, 0, 8), 1);
  return cells.join(choose.chance(0.97) ? "," : ";");
}

function csvTable(choose: Random): string {
  const header = choose.chance(0.9) ? FIELDS : FIELDS.map(() => word(choose));
  const rows = Array.from({ length: 20 }, () => header.map(() => cell(choose)).join(","));
  return [header.join(","), ...rows].join("\n");
}

function jsonRow(choose: Random): string {
  const sound = { id: `${choose.next()}`, image: "images/1.jpg", question: "is it red?", answers: ["red", "blue"] };
  const value = () => (choose.chance(0.4) ? word(choose) : anyJson(choose));
  const broken = Object.fromEntries(FIELDS.filter(() => choose.chance(0.12)).map((name) => [name, value()]));
  const line = JSON.stringify({ ...sound, ...broken });
  if (choose.chance(0.9)) return line;
  const at = whole(choose, 0, line.length);
  return choose.chance(0.5) ? line.slice(0, at) : line.slice(0, at) + word(choose) + line.slice(at);
}

const NAMES = ["red star", "red_star", "adj star", "blue star", "angry", "sad", "train"];

/** Folders and files of any name, as states and as faces. */
async function trees(choose: Random, parent: string): Promise<Outcome> {
  const root = mkdtempSync(join(parent, "tree-"));
  const part = () =>
    choose
      .pick([word(choose), `${word(choose)} ${word(choose)}`, ...NAMES])
      .replace(/[/\0\ud800]/g, "_")
      .slice(0, 60);
  for (let i = 0; i < 30; i++) {
    const folders = [part(), part()].filter((name) => !/^\.*$/.test(name));
    const path = join(root, ...folders, `${i}${choose.pick([".jpg", ".PNG", ".txt", ""])}`);
    if (!path.startsWith(root + sep)) throw new Error(path);
    try {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, "");
    } catch {
      // Another name made a file where this one needs a folder.
    }
  }
  try {
    return await survive(choose.pick([mitStates, faces]), root, root);
  } finally {
    rmSync(root, { recursive: true });
  }
}
