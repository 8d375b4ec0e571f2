import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { StudyRun } from "../../src/study/run.js";
import { TABLES } from "../../src/study/tables.js";

/** Rows, each with what says which it is. */
export type Rows = readonly (readonly [key: string, content: string])[];

/** What came of a comparison, in rows. */
export interface Difference {
  readonly lost: number;
  readonly doubled: number;
  readonly changed: number;
}

/** What differs from the undisturbed rows; a row that those lack counts as doubled. */
export function compare(wanted: Rows, found: Rows): Difference {
  const [mine, theirs] = [byKey(wanted), byKey(found)];
  const difference = { lost: 0, doubled: 0, changed: 0 };
  for (const key of new Set([...mine.keys(), ...theirs.keys()])) {
    const [here, there] = [mine.get(key) ?? [], theirs.get(key) ?? []];
    if (there.length < here.length) difference.lost += here.length - there.length;
    else if (there.length > here.length) difference.doubled += there.length - here.length;
    else if (here.sort().join("\n") !== there.sort().join("\n")) difference.changed++;
  }
  return difference;
}

function byKey(rows: Rows): Map<string, string[]> {
  const keyed = new Map<string, string[]>();
  for (const [key, content] of rows) {
    const same = keyed.get(key);
    if (same) same.push(content);
    else keyed.set(key, [content]);
  }
  return keyed;
}

/** Every row of every table of a run. A row is known by its texts and whole numbers. */
export async function rowsOf(folder: string): Promise<Rows> {
  using run = await StudyRun.reopen(folder);
  const rows: (readonly [string, string])[] = [];
  for (const [table, columns] of Object.entries(TABLES)) {
    const names = Object.entries(columns).filter(([, type]) => type === "VARCHAR" || type === "INTEGER");
    for (const row of await run.store.rows<Record<string, unknown>>(`FROM ${table}`)) {
      const key = names.map(([name]) => row[name]).join("\t");
      rows.push([`${table}\t${key}`, JSON.stringify(row)]);
    }
  }
  return rows;
}

/** The files below a folder, each as a row; of a file, itself. */
export function filesOf(path: string): Rows {
  if (!existsSync(path)) return [];
  const files = statSync(path).isDirectory() ? readdirSync(path, { recursive: true, encoding: "utf8" }) : [""];
  return files
    .filter((name) => statSync(join(path, name)).isFile())
    .map(
      (name) =>
        [
          name,
          createHash("sha256")
            .update(readFileSync(join(path, name)))
            .digest("hex"),
        ] as const,
    );
}
