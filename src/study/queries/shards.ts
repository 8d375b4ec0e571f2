import { quoted, type Store } from "../store.js";
import { TABLES, type Table } from "../tables.js";

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

/** How many samples' questions both have asked. */
export function countAskedInBoth(store: Store): Promise<number> {
  const asked = (of: string) =>
    `SELECT dataset, sample FROM ${of}answers
     UNION SELECT dataset, source FROM ${of}exclusions WHERE stage = 'evaluate'`;
  return store.count(`SELECT count(*) FROM ((${asked("")}) INTERSECT (${asked("other.")}))`);
}

/** How many selected samples either has not patched. */
export const countUnpatchedInEither = (store: Store): Promise<number> =>
  store.count(
    `SELECT count(*) FROM selected WHERE (dataset, sample) NOT IN (
       SELECT (dataset, sample) FROM patched JOIN other.patched USING (dataset, sample))`,
  );

export const countRows = (store: Store, table: Table): Promise<number> => store.count(`SELECT count(*) FROM ${table}`);

/** Whether two rows of `provenance` say the same. */
const SAME = Object.keys(TABLES.provenance)
  .filter((column) => column !== "id")
  .map((column) => `p.${column} IS NOT DISTINCT FROM o.${column}`)
  .join(" AND ");

/** Adds the other's rows of tables, those of `computed` with what computed them. */
export async function copyRows(store: Store, tables: readonly Table[], computed: readonly Table[]): Promise<void> {
  const next = await store.count("SELECT coalesce(max(id), -1) + 1 FROM provenance");
  await store.run(
    `INSERT INTO provenance SELECT id + ${next}, * EXCLUDE (id) FROM other.provenance o
     WHERE NOT EXISTS (FROM provenance p WHERE ${SAME})`,
  );
  for (const table of tables) await store.run(`INSERT INTO ${table} FROM other.${table}`);
  const own = `SELECT o.id, min(p.id) AS own FROM other.provenance o JOIN provenance p ON ${SAME} GROUP BY o.id`;
  for (const table of computed)
    await store.run(
      `INSERT INTO ${table} SELECT t.* REPLACE (own AS provenance) FROM other.${table} t JOIN (${own}) m ON m.id = t.provenance`,
    );
}

/** Adds what the other could not ask or patch. */
export const copyExclusions = (store: Store, stage: "evaluate" | "patch"): Promise<void> =>
  store.run("INSERT INTO exclusions FROM other.exclusions WHERE stage = $1", [stage]);
