import type { DuckDBConnection } from "@duckdb/node-api";
import { KEYS, TABLES, type Table } from "./tables.js";

/** The statements that make all tables; `where` is a database, with its dot. */
export function tableStatements(where = ""): string[] {
  return Object.entries(TABLES).map(([table, columns]) => {
    const key = KEYS[table as Table];
    const definitions = Object.entries(columns).map(([name, type]) => `${name} ${type}`);
    if (key) definitions.push(`PRIMARY KEY (${key})`);
    return `CREATE TABLE IF NOT EXISTS ${where}${table} (${definitions.join(", ")})`;
  });
}

/**
 * Finds objects that could run code where rows are expected, such as views. Every function is called by its full name,
 * because a database may hold macros of the same names.
 */
const OBJECTS = `
  SELECT 'view' AS kind, view_name AS name FROM system.main.duckdb_views() WHERE NOT internal
  UNION ALL SELECT function_type, function_name FROM system.main.duckdb_functions() WHERE NOT internal
  UNION ALL SELECT 'type', type_name FROM system.main.duckdb_types() WHERE NOT internal
  UNION ALL SELECT 'schema', schema_name FROM system.main.duckdb_schemas() WHERE NOT internal
  UNION ALL SELECT 'sequence', sequence_name FROM system.main.duckdb_sequences()
  UNION ALL SELECT 'index', index_name FROM system.main.duckdb_indexes()`;

/** An object that no run has, such as `view scores`. */
export async function strangeObject(connection: DuckDBConnection): Promise<string | undefined> {
  const [object] = await rowsOf(connection, OBJECTS);
  return object && `${object.kind} ${object.name}`;
}

/** A table that a run has not, or has with other columns, defaults, keys or checks. */
export async function strangeTable(connection: DuckDBConnection, database: string): Promise<string | undefined> {
  const known = new Map<unknown, unknown>();
  await connection.run("ATTACH ':memory:' AS known");
  try {
    for (const statement of tableStatements("known.")) await connection.run(statement);
    const tables = await rowsOf(connection, "SELECT database_name, table_name, sql FROM system.main.duckdb_tables()");
    const own = tables.filter((table) => table.database_name === database);
    for (const { database_name, table_name, sql } of tables) if (database_name === "known") known.set(table_name, sql);
    const strange = own.find(({ table_name, sql }) => known.get(table_name) !== sql);
    return strange && `table ${strange.table_name}`;
  } finally {
    await connection.run("DETACH known");
  }
}

/** Columns that every run fills in every row, and whose values are taken apart. */
const FILLED: readonly (readonly [table: Table, ...columns: string[]])[] = [
  ["begun", "settings"],
  ["samples", "image", "question", "correct", "incorrect"],
  ["verified", "random", "curve"],
  ["rules", "heads"],
];

/** One of them that has an empty value, such as `image of samples`. */
export async function emptiedColumn(connection: DuckDBConnection): Promise<string | undefined> {
  const queries = FILLED.flatMap(([table, ...columns]) =>
    columns.map((column) => `SELECT '${column} of ${table}' AS name FROM ${table} WHERE ${column} IS NULL`),
  );
  const [found] = await rowsOf(connection, `${queries.join(" UNION ALL ")} LIMIT 1`);
  return found && `${found.name}`;
}

async function rowsOf(connection: DuckDBConnection, query: string): Promise<Record<string, unknown>[]> {
  return (await connection.runAndReadAll(query)).getRowObjectsJS();
}
