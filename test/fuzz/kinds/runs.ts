import { cpSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import type { Random } from "../../../src/base/random.js";
import { exportScores } from "../../../src/study/export.js";
import { readFindings, summarise } from "../../../src/study/findings.js";
import { mergeRuns } from "../../../src/study/merge.js";
import { StudyRun } from "../../../src/study/run.js";
import { runStages } from "../../../src/study/study.js";
import { TABLES } from "../../../src/study/tables.js";
import { temporaryFolder } from "../../support/checkpoint.js";
import { attributesTable } from "../../support/scenes-table.js";
import { Found } from "../judge.js";
import type { Kind, Outcome } from "../kind.js";
import { HOSTILE, mutateBytes, mutatedJson, NUMBERS, whole } from "../mutate.js";

const DATABASE = "study.duckdb";
const QUIET = { begin: () => ({ update() {}, end() {} }), warn() {} };

/** Runs that somebody else made or that were damaged: settings, bytes of the database, its rows and tables, links. */
export const runs: Kind = {
  name: "runs",
  share: 6,
  prepare: async (shared) => {
    const settings = {
      n: 2,
      candidates: 4,
      sites: ["text.cross.z" as const],
      verify: 2,
      randomSets: 2,
      resamples: 100,
    };
    using run = await StudyRun.open(join(shared, "run"), { ...settings, dataset: [await attributesTable(4, 1004)] });
    await runStages(run, ["prepare", "evaluate", "select", "patch", "verify"], { watch: QUIET, workers: 1 });
  },
  open: async (shared) => {
    const parent = temporaryFolder();
    const sound = join(shared, "run");
    writeFileSync(join(parent, "secret.txt"), "nobody's business");
    return {
      run: async (choose) => {
        const folder = join(parent, "run");
        rmSync(folder, { recursive: true, force: true });
        rmSync(join(parent, "merged"), { recursive: true, force: true });
        cpSync(sound, folder, { recursive: true });
        await damage(choose, folder);
        return choose.chance(0.15) ? merge(choose, folder, sound, parent) : read(folder, parent);
      },
    };
  },
};

async function damage(choose: Random, folder: string): Promise<void> {
  const database = join(folder, DATABASE);
  const settings = join(folder, "settings.json");
  const kind = whole(choose, 0, 10);
  if (kind < 2) writeFileSync(settings, mutatedJson(choose, JSON.parse(readFileSync(settings, "utf8"))));
  else if (kind < 4) writeFileSync(database, mutateDatabase(choose, readFileSync(database)));
  else if (kind === 4)
    writeFileSync(
      `${database}.wal`,
      choose.pick([Buffer.alloc(99), mutateBytes(choose, readFileSync(database)).subarray(0, 9999)]),
    );
  else if (kind === 5) {
    rmSync(database);
    symlinkSync(choose.pick(["../secret.txt", "..", "nowhere", DATABASE]), database);
  } else await mutateRows(choose, database);
}

/** Its headers and its first blocks decide most. */
function mutateDatabase(choose: Random, bytes: Uint8Array): Uint8Array {
  if (choose.chance(0.3)) return mutateBytes(choose, bytes);
  const copy = Uint8Array.from(bytes);
  const most = choose.pick([64, 12_288, 20_000, copy.length]);
  for (let i = whole(choose, 1, 16); i > 0; i--) copy[whole(choose, 0, most)]! ^= 1 << whole(choose, 0, 8);
  return copy;
}

/** What an own connection may write into the tables of a run, or make of them. */
async function mutateRows(choose: Random, database: string): Promise<void> {
  const instance = await DuckDBInstance.create(database);
  const connection = await instance.connect();
  try {
    for (let i = whole(choose, 1, 4); i > 0; i--) await connection.run(statement(choose)).catch(() => {});
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

function statement(choose: Random): string {
  const table = choose.pick(Object.keys(TABLES) as (keyof typeof TABLES)[]);
  const [column, type] = choose.pick(Object.entries(TABLES[table]));
  const some = choose.pick(["", "WHERE random() < 0.5", "WHERE rowid = 0"]);
  return choose.pick([
    `UPDATE ${table} SET ${column} = ${literal(choose, type)} ${some}`,
    `UPDATE ${table} SET ${column} = ${literal(choose, type)} ${some}`,
    `UPDATE ${table} SET ${column} = ${literal(choose, type)} ${some}`,
    `DELETE FROM ${table} ${some}`,
    `INSERT INTO ${table} FROM ${table}`,
    `DROP TABLE ${table}`,
    `ALTER TABLE ${table} DROP COLUMN ${column}`,
    `ALTER TABLE ${table} RENAME COLUMN ${column} TO other`,
    `ALTER TABLE ${table} ALTER COLUMN ${column} TYPE VARCHAR`,
    `CREATE OR REPLACE VIEW v AS SELECT 1`,
    `DROP TABLE ${table}; CREATE VIEW ${table} AS SELECT * FROM read_csv('/etc/passwd')`,
  ]);
}

function literal(choose: Random, type: string): string {
  if (choose.chance(0.2)) return "NULL";
  const text = () => `'${choose.pick(HOSTILE).replaceAll("\0", "").replaceAll("'", "''")}'`;
  const number = () => choose.pick(["'nan'::DOUBLE", "'inf'::DOUBLE", ...NUMBERS.map(String)]);
  if (type === "INTEGER") return `${choose.pick([-1, 0, 1, 99, 2 ** 31 - 1])}`;
  if (type === "DOUBLE") return number();
  if (type === "BOOLEAN") return choose.pick(["true", "false"]);
  const item = type === "VARCHAR[]" ? text : number;
  return type === "VARCHAR" ? text() : `[${Array.from({ length: whole(choose, 0, 4) }, item).join(", ")}]`;
}

async function read(folder: string, parent: string): Promise<Outcome> {
  using run = await StudyRun.reopen(folder);
  await summarise(run);
  const findings = await readFindings(run);
  for (const { circuit } of findings.circuits)
    for (const { mean } of circuit.heads)
      if (!Number.isFinite(mean)) throw new Found("wrong", `a head's mean is ${mean}`);
  await exportScores(run, join(parent, "scores.csv"), "csv");
  return "taken";
}

async function merge(choose: Random, folder: string, sound: string, parent: string): Promise<Outcome> {
  const { patched, selected } = await mergeRuns(
    join(parent, "merged"),
    choose.chance(0.5) ? [folder, sound] : [sound, folder],
  );
  if (patched > selected) throw new Found("wrong", `merged: ${patched} of ${selected} are patched`);
  return "taken";
}
