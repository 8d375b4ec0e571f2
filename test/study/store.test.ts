import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { StudyRun } from "../../src/study/run.js";
import { Store } from "../../src/study/store.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { refused } from "../support/refused.js";

test("a database of before there were attributions goes on with them", async () => {
  const file = join(temporaryFolder(), "study.duckdb");
  const place = {
    dataset: "own",
    sample: "0",
    modality: "image",
    site: "text.cross.z",
    layer: 0,
    head: 1,
    position: 2,
  };
  {
    using store = await Store.open(file);
    await store.run("ALTER TABLE scores DROP COLUMN attribution");
    await store.run("INSERT INTO scores (dataset, sample, prob) VALUES ('own', 'old', 0.5)");
  }
  using store = await Store.open(file);
  await store.insert("scores", [{ ...place, attribution: 0.25 }]);
  const rows = await store.rows("SELECT sample, prob, attribution FROM scores ORDER BY sample");
  assert.equal(rows, [
    { sample: "0", prob: null, attribution: 0.25 },
    { sample: "old", prob: 0.5, attribution: null },
  ]);
});

test("a database comes to its place whole, and never in the place of another's", async () => {
  const folder = temporaryFolder();
  const file = join(folder, "study.duckdb");
  const { create } = DuckDBInstance;
  const seen: [path: string, isThere: boolean][] = [];
  let meanwhile = () => {};
  DuckDBInstance.create = async (path, ...options) => {
    seen.push([basename(path!), existsSync(file) && statSync(file).size > 0]);
    const made = await create.call(DuckDBInstance, path, ...options);
    meanwhile();
    return made;
  };
  try {
    (await Store.open(file))[Symbol.dispose]();
    assert.match(seen[0]![0], /^study\.duckdb\..+\.part$/);
    assert.equal(seen.slice(1), [["study.duckdb", true]]);
    assert.is(seen[0]![1], false);
    assert.equal(readdirSync(folder), ["study.duckdb"]);
    rmSync(file);
    meanwhile = () => writeFileSync(file, "another's", { flag: "a" });
    await refused(() => Store.open(file), "options", `${file} is damaged or no database`);
    assert.is(readFileSync(file, "utf8"), "another's");
    assert.equal(readdirSync(folder), ["study.duckdb"]);
  } finally {
    DuckDBInstance.create = create;
  }
});

test("what DuckDB refuses of rows is said with the file, and nothing of the transaction stays", async () => {
  const file = join(temporaryFolder(), "study.duckdb");
  using store = await Store.open(file);
  const row = { dataset: "own", sample: "0" };
  const twice = () => store.transaction(() => store.insert("patched", [row, row]));
  await refused(twice, "options", `${file}: `, /duplicate|unique|primary key/i);
  assert.is(await store.count("SELECT count(*) FROM patched"), 0);
  await store.insert("patched", [row]);
  assert.is(await store.count("SELECT count(*) FROM patched"), 1);
  store[Symbol.dispose]();
  await refused(() => store.insert("patched", []), "disposed", file);
});

test("transactions that begin together come one after the other: what one loses, another keeps", async () => {
  using store = await Store.open(join(temporaryFolder(), "study.duckdb"));
  const row = (sample: string) => ({ dataset: "own", sample });
  const writing = [["a"], ["b", "b"], ["c"]].map((names) =>
    store.transaction(() => store.insert("patched", names.map(row))).then(String, () => "refused"),
  );
  assert.equal(await Promise.all(writing), ["undefined", "refused", "undefined"]);
  assert.equal(await store.rows("SELECT sample FROM patched ORDER BY sample"), [{ sample: "a" }, { sample: "c" }]);
});

test("what is asked together is answered one after the other", async () => {
  using store = await Store.open(join(temporaryFolder(), "study.duckdb"));
  const ask = async (asker: number) => {
    for (let round = 0; round < 60; round++) {
      const rows = Array.from({ length: 300 }, (_, at) => ({ dataset: `${asker}`, sample: `${round} ${at}` }));
      await store.transaction(() => store.insert("patched", rows));
      const own = await store.rows("SELECT sample FROM patched WHERE dataset = $1", [`${asker}`]);
      assert.is(own.length, 300 * (round + 1));
    }
  };
  await Promise.all([1, 2, 3].map(ask));
});

test("a full disk is called so, and what to do", async () => {
  const file = join(temporaryFolder(), "study.duckdb");
  using store = await Store.open(file);
  for (const [words, why] of [
    ["No space left on device", "the disk is full ("],
    ["Disk quota exceeded", "all that you may use of the disk is used ("],
  ] as const) {
    const write = () => store.run(`SELECT error('Could not write file "${file}": ${words}')`);
    await refused(write, "options", `${file} cannot be written: ${why}`, "Make room", "What the run holds stays");
  }
});

test("a run where no folder can be made is refused at once, by its name", async () => {
  const file = join(temporaryFolder(), "file");
  writeFileSync(file, "");
  await refused(() => StudyRun.open(file), "options", file);
  await refused(() => StudyRun.open(join(file, "run")), "options", join(file, "run"));
  if (process.platform !== "linux") return;
  await refused(() => StudyRun.open("/proc/run"), "options", "The folder /proc/run cannot be made");
  await refused(() => StudyRun.open("/proc/runs/one"), "options", "The folder /proc/runs cannot be made");
});

test.run();
