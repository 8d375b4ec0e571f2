import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { NoticeError } from "../../src/base/errors.js";
import { random } from "../../src/base/random.js";
import { exportScores } from "../../src/study/export.js";
import { mergeRuns } from "../../src/study/merge.js";
import { StudyRun } from "../../src/study/run.js";
import { Store } from "../../src/study/store.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { noticeHere } from "../support/command.js";
import { refused } from "../support/refused.js";

const place = { dataset: "own", modality: "image" };
const provenance = { id: 0, package: "0.1.0", model: "m", model_hash: "h", backend: "wasm", settings_hash: "s" };

const made = new Map<string, Promise<string>>();

/** A new copy of a run of one patched sample, whose scores are made up. */
async function scored(sample = "0", rows = 1): Promise<string> {
  const name = `${sample} ${rows}`;
  if (!made.has(name)) made.set(name, make(sample, rows));
  const folder = join(temporaryFolder(), "run");
  cpSync(await made.get(name)!, folder, { recursive: true });
  return folder;
}

async function make(sample: string, rows: number): Promise<string> {
  const folder = join(temporaryFolder(), "made");
  using run = await StudyRun.open(folder, { dataset: ["own.jsonl"], n: 3 });
  const { store } = run;
  await store.insert("provenance", [provenance]);
  const asked = { image: "a.png", question: "is it red or blue?", correct: "red", incorrect: "blue" };
  await store.insert("samples", [
    { dataset: "own", sample: "0", ...asked },
    { dataset: "own", sample: "1", ...asked },
  ]);
  await store.insert("patched", [{ dataset: "own", sample, provenance: 0 }]);
  await store.insert("passes", [{ ...place, sample, tokens: ["[CLS]", "red"] }]);
  const score = { ...place, sample, site: "text.cross.z", layer: 0, position: 1, prob: 0.5 };
  await store.insert(
    "scores",
    Array.from({ length: rows }, (_, head) => ({ ...score, head })),
  );
  return folder;
}

const SETTINGS = "settings.json";
const DATABASE = "study.duckdb";

/** What somebody else does to a run's database. */
async function tamper(folder: string, ...statements: string[]): Promise<void> {
  const instance = await DuckDBInstance.create(join(folder, DATABASE));
  const connection = await instance.connect();
  for (const statement of statements) await connection.run(statement);
  connection.closeSync();
  instance.closeSync();
}

test("settings that were edited after the run was begun are refused with the difference", async () => {
  const folder = await scored();
  const file = join(folder, SETTINGS);
  const settings = JSON.parse(readFileSync(file, "utf8"));
  for (const [change, message] of [
    [{ direction: "noise" }, 'direction is "denoise" in study.duckdb and "noise" in settings.json'],
    [{ n: 4 }, "n is 3 in study.duckdb and 4 in settings.json"],
  ] as const) {
    writeFileSync(file, JSON.stringify({ ...settings, ...change }));
    await refused(() => StudyRun.open(folder), "options", `${file} was edited`, message, "begin another run");
    await refused(() => StudyRun.reopen(folder), "options", message);
  }
  const out = join(temporaryFolder(), "scores.csv");
  const { code, stderr } = await noticeHere("export", folder, "--out", out);
  assert.is(code, 2);
  assert.match(stderr, /was edited/);
  assert.not(existsSync(out));
  // How scores are read may be said anew, here or there.
  writeFileSync(file, JSON.stringify({ ...settings, metric: "prob" }));
  using run = await StudyRun.reopen(folder, { rate: 0.1 });
  assert.equal([run.settings.metric, run.settings.rate], ["prob", 0.1]);
});

test("rows without what every run fills in are damage", async () => {
  const emptied = [
    ...["image", "question", "correct", "incorrect"].map((column) => ["samples", column] as const),
    ...[["begun", "settings"] as const, ["verified", "random"] as const, ["verified", "curve"] as const],
    ["rules", "heads"] as const,
  ];
  const rows = [
    "INSERT INTO verified (dataset, sample, modality, reading, random, curve) VALUES ('own', '0', 'image', 'r', [], [])",
    "INSERT INTO rules (heads) VALUES ([])",
  ];
  for (const [table, column] of emptied) {
    const folder = await scored();
    await tamper(folder, ...rows, `UPDATE ${table} SET ${column} = NULL`);
    const message = `${DATABASE} is damaged: there is no ${column} of ${table} in a row`;
    await refused(() => StudyRun.reopen(folder), "options", message);
  }
});

test("settings that are gone are not made up", async () => {
  const folder = await scored();
  rmSync(join(folder, SETTINGS));
  await refused(() => StudyRun.reopen(folder), "options", "it has no settings.json");
  await refused(() => StudyRun.open(folder, { n: 7 }), "options", `${join(folder, SETTINGS)} is missing`);
  assert.not(existsSync(join(folder, SETTINGS)));
  // Before either was written, a beginning was interrupted.
  const begun = join(temporaryFolder(), "begun");
  mkdirSync(begun);
  (await Store.open(join(begun, DATABASE)))[Symbol.dispose]();
  (await StudyRun.open(begun, { n: 7 }))[Symbol.dispose]();
  // Nothing is prepared yet, so that other settings begin another run; what is prepared keeps them.
  {
    using other = await StudyRun.open(begun, { n: 8 });
    assert.equal([other.settings.n, JSON.parse(readFileSync(join(begun, SETTINGS), "utf8")).n], [8, 8]);
    await other.store.insert("finished", [{ stage: "prepare", dataset: "scenes" }]);
  }
  await refused(() => StudyRun.open(begun, { n: 9 }), "options", "n is 8 there and 9 here");
});

test("a run of before its settings were kept goes on", async () => {
  const folder = await scored();
  await tamper(folder, "DROP TABLE begun");
  (await StudyRun.reopen(folder))[Symbol.dispose]();
  const file = join(folder, SETTINGS);
  writeFileSync(file, readFileSync(file, "utf8").replace('"n": 3', '"n": 4'));
  await refused(() => StudyRun.reopen(folder), "options", "n is 3");
});

test("a database of anything but a run's tables is refused", async () => {
  for (const [statements, message] of [
    [["DROP TABLE chosen", "CREATE VIEW chosen AS SELECT * FROM read_csv('/etc/passwd')"], "the view chosen"],
    [["CREATE MACRO count(x) AS 1"], "the macro count"],
    [["CREATE MACRO duckdb_views() AS TABLE SELECT 1 AS n", "CREATE VIEW v AS SELECT 1"], "which no run has"],
    [["CREATE TYPE mood AS ENUM ('a')"], "the type mood"],
    [["CREATE SCHEMA other"], "the schema other"],
    [["CREATE SEQUENCE s"], "the sequence s"],
    [["CREATE INDEX i ON answers (answer)"], "the index i"],
    [["CREATE TABLE mine (a INTEGER)"], "the table mine"],
    [["DROP TABLE chosen", "CREATE TABLE chosen (dataset INTEGER)"], "the table chosen"],
    [["ALTER TABLE chosen ALTER layer SET DEFAULT 3"], "the table chosen"],
    [["ALTER TABLE chosen ADD COLUMN more VARCHAR"], "the table chosen"],
  ] as const) {
    const folder = await scored();
    await tamper(folder, ...statements);
    await refused(
      () => StudyRun.reopen(folder),
      "options",
      `${join(folder, DATABASE)} is not the database of a run`,
      message,
    );
  }
});

test("queries read and write no other file", async () => {
  const folder = await scored();
  const other = join(temporaryFolder(), "other");
  using run = await StudyRun.reopen(folder);
  for (const query of [
    "SELECT * FROM read_text('package.json')",
    `COPY scores TO '${other}'`,
    `ATTACH '${other}' AS other`,
    "SET enable_external_access = true",
  ])
    await refused(() => run.store.run(query), "options", /disabled by configuration|has been locked/);
  assert.not(existsSync(other));
});

test("no link is followed from a run's folder", async () => {
  for (const name of [DATABASE, `${DATABASE}.wal`, `${DATABASE}.tmp`, `${DATABASE}.export`, SETTINGS]) {
    const folder = await scored();
    const elsewhere = join(temporaryFolder(), "elsewhere");
    if (existsSync(join(folder, name))) renameSync(join(folder, name), elsewhere);
    else writeFileSync(elsewhere, "mine");
    const before = readFileSync(elsewhere);
    symlinkSync(elsewhere, join(folder, name));
    await refused(() => StudyRun.reopen(folder), "options", `${join(folder, name)} is a link`);
    await refused(() => mergeRuns(join(temporaryFolder(), "all"), [folder, folder]), "options", "is a link");
    assert.equal(readFileSync(elsewhere), before);
  }
});

test("an export is written whole, over an earlier one, and over nothing else", async () => {
  const folder = await scored();
  for (const format of ["csv", "json", "parquet"] as const) {
    const out = join(temporaryFolder(), `scores.${format}`);
    for (const _ of [1, 2]) assert.is((await noticeHere("export", folder, "--out", out, "--format", format)).code, 0);
    const before = readFileSync(out);
    const other = format === "csv" ? "json" : "csv";
    const { code, stderr } = await noticeHere("export", folder, "--out", out, "--format", other);
    assert.is(code, 2);
    assert.match(stderr, /did not write as/);
    assert.equal(readFileSync(out), before);
  }
  const inside = readdirSync(folder).sort();
  const database = readFileSync(join(folder, DATABASE));
  for (const args of [
    ["export", folder, "--out", join(folder, DATABASE)],
    ["export", folder, "--out", join(folder, SETTINGS)],
    ["circuits", "--out", folder, "--json", join(folder, DATABASE)],
    ["circuits", "--out", folder, "--json", join(folder, `${DATABASE}.wal`)],
  ]) {
    const { code, stderr } = await noticeHere(...args);
    assert.is(code, 2);
    assert.match(stderr, /belongs to the run/);
  }
  using run = await StudyRun.reopen(folder);
  await refused(() => exportScores(run, join(folder, DATABASE), "csv"), "options", "belongs to the run");
  run[Symbol.dispose]();
  assert.equal(readFileSync(join(folder, DATABASE)), database);
  assert.equal(readdirSync(folder).sort(), inside);
});

test("a large export's last rows tell that it is one", async () => {
  const folder = await scored("0", 200_000);
  const out = join(temporaryFolder(), "scores.parquet");
  using run = await StudyRun.reopen(folder);
  for (const _ of [1, 2]) assert.is(await exportScores(run, out, "parquet"), 200_000);
});

test("shards merge, and a run that is none does not", async () => {
  const [first, second] = [await scored("0"), await scored("1")];
  const all = join(temporaryFolder(), "o'clock");
  assert.equal(await mergeRuns(all, [first, second]), { asked: 0, patched: 2, selected: 0 });
  using run = await StudyRun.reopen(all);
  assert.is(await run.store.count("SELECT count(*) FROM scores"), 2);
  await tamper(second, "CREATE VIEW mine AS SELECT 1");
  await refused(() => mergeRuns(join(temporaryFolder(), "all"), [first, second]), "options", second, "the view mine");
  const link = join(temporaryFolder(), "link");
  symlinkSync(join(link, "nowhere"), link);
  await refused(() => mergeRuns(link, [first, second]), "options", "is there already");
});

test("another process that works on the run is told from damage", async () => {
  const folder = await scored();
  const hold = `import { DuckDBInstance } from "@duckdb/node-api";
    await DuckDBInstance.create(process.argv[1]); console.log("held"); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", hold, join(folder, DATABASE)]);
  try {
    await once(child.stdout, "data");
    await refused(() => StudyRun.reopen(folder), "options", "another process works on it; wait until it has ended");
  } finally {
    child.kill();
    await once(child, "close");
  }
  using run = await StudyRun.reopen(folder);
  await refused(() => StudyRun.reopen(folder), "options", "open in this process already");
  run[Symbol.dispose]();
  (await StudyRun.reopen(folder))[Symbol.dispose]();
});

test("damage at any place is called so, or harms nothing", async () => {
  const whole = await scored("0", 500);
  const bytes = readFileSync(join(whole, DATABASE));
  const choose = random("damage");
  const within = (end: number) => Math.floor(choose.between(0, end));
  const folder = join(temporaryFolder(), "damaged");
  let damaged = 0;
  for (let i = 0; i < 60; i++) {
    rmSync(folder, { recursive: true, force: true });
    cpSync(whole, folder, { recursive: true });
    const file = join(folder, DATABASE);
    if (i % 3 === 0) truncateSync(file, i === 0 ? 0 : within(bytes.length));
    else {
      const changed = Uint8Array.from(bytes);
      // Headers and the first blocks are small beside the rest.
      const at = within(i % 3 === 1 ? 12_288 : bytes.length);
      changed[at]! ^= 1 << within(8);
      writeFileSync(file, changed);
    }
    const message = await read(folder);
    if (message !== "500") damaged++;
    assert.not.match(message, /another process|already/);
    assert.match(message, /^500$| is damaged.*copy of the run, or begin another/);
  }
  assert.ok(damaged > 25, `${damaged} of 60`);
});

/** How many scores there are, or why not. */
async function read(folder: string): Promise<string> {
  try {
    using run = await StudyRun.reopen(folder);
    const scores = await run.store.rows("SELECT * FROM scores JOIN samples USING (dataset, sample)");
    return `${scores.length}`;
  } catch (error) {
    if (!(error instanceof NoticeError)) throw error;
    return error.message;
  }
}

test("a run from before runs named their architecture opens, and its new rows stand in their columns", async () => {
  const folder = await scored();
  const instance = await DuckDBInstance.create(join(folder, "study.duckdb"));
  const connection = await instance.connect();
  for (const statement of [
    "DROP TABLE begun",
    "DROP TABLE provenance",
    `CREATE TABLE provenance (id INTEGER, package VARCHAR, model VARCHAR, model_hash VARCHAR, backend VARCHAR,
       settings_hash VARCHAR, note VARCHAR, PRIMARY KEY (id))`,
    "INSERT INTO provenance VALUES (0, '0.1.0', 'm', 'h', 'wasm', 's', 'n')",
  ])
    await connection.run(statement);
  connection.closeSync();
  instance.closeSync();
  using run = await StudyRun.open(folder);
  assert.is((await run.architecture()).name, "blip-vqa");
  const added = { ...provenance, id: 1, architecture: "blip-itm", note: null };
  await run.store.insert("provenance", [added]);
  const rows = await run.store.rows<Record<string, unknown>>("SELECT * FROM provenance ORDER BY id");
  assert.equal(rows, [{ ...provenance, note: "n", architecture: null }, added]);
});

test.run();
