import { quoted, type Store } from "../store.js";
import type { Table } from "../tables.js";

// What merging asks of two runs: the one that is open, and another whose database is attached as `other`.

export const attachOther = (store: Store, database: string): Promise<void> =>
  store.run(`ATTACH ${quoted(database)} AS other (READ_ONLY)`);

export const detachOther = (store: Store): Promise<void> => store.run("DETACH other");

/** Rows of a table that only one of the two has. */
export function countDifferences(store: Store, table: Table, columns = "*"): Promise<number> {
  const [mine, theirs] = [`SELECT ${columns} FROM ${table}`, `SELECT ${columns} FROM other.${table}`];
  return store.count(`SELECT count(*) FROM ((${mine} EXCEPT ${theirs}) UNION ALL (${theirs} EXCEPT ${mine}))`);
}

/** How many models computed them. */
export const countModels = (store: Store): Promise<number> =>
  store.count("SELECT count(DISTINCT model_hash) FROM (FROM provenance UNION ALL FROM other.provenance)");

/** Rows of a table that are about the same in both. */
export const countShared = (store: Store, table: Table, key: string): Promise<number> =>
  store.count(`SELECT count(*) FROM ${table} JOIN other.${table} USING (${key})`);

/** How many selected samples either has not patched. */
export const countUnpatchedInEither = (store: Store): Promise<number> =>
  store.count(
    `SELECT count(*) FROM selected WHERE (dataset, sample) NOT IN (
       SELECT (dataset, sample) FROM patched JOIN other.patched USING (dataset, sample))`,
  );

export const countRows = (store: Store, table: Table): Promise<number> => store.count(`SELECT count(*) FROM ${table}`);

/** Adds the other's rows of tables, those of `computed` with what computed them. */
export async function copyRows(store: Store, tables: readonly Table[], computed: readonly Table[]): Promise<void> {
  const next = await store.count("SELECT coalesce(max(id), -1) + 1 FROM provenance");
  await store.run(`INSERT INTO provenance SELECT id + ${next}, * EXCLUDE (id) FROM other.provenance`);
  for (const table of tables) await store.run(`INSERT INTO ${table} FROM other.${table}`);
  for (const table of computed)
    await store.run(`INSERT INTO ${table} SELECT * REPLACE (provenance + ${next} AS provenance) FROM other.${table}`);
}

/** Adds what the other could not patch. */
export const copyExclusions = (store: Store): Promise<void> =>
  store.run("INSERT INTO exclusions FROM other.exclusions WHERE stage = 'patch'");
