import { link, realpath, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import {
  DOUBLE,
  type DuckDBAppender,
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBValue,
  FLOAT,
  LIST,
  listValue,
  VARCHAR,
} from "@duckdb/node-api";
import { NoticeError } from "../base/errors.js";
import { oneByOne } from "../base/one-by-one.js";
import { partOf } from "../files/leftovers.js";
import { findFile } from "../files/read.js";
import { fileError, isFull } from "../files/system-error.js";
import { emptiedColumn, strangeObject, strangeTable, tableStatements } from "./schema.js";
import { type Column, type Row, TABLES, type Table, type Value } from "./tables.js";

const LISTS = { "VARCHAR[]": LIST(VARCHAR), "FLOAT[]": LIST(FLOAT), "DOUBLE[]": LIST(DOUBLE) };

/**
 * No extension is fetched from anywhere: all that is needed is built in. One thread: cores are for what computes, and
 * others take three seconds of them in a study, most of it to wait.
 */
const CONFIG = { autoinstall_known_extensions: "false", autoload_known_extensions: "false", threads: "1" };

/**
 * Beginning of DuckDB's message when another process holds the file, on POSIX and on Windows. It has no error code, and
 * other messages may contain these words, so the whole beginning is compared.
 */
const HELD =
  /^IO Error: (Could not set lock on file "|Cannot open file ".*: The process cannot access the file because)/s;

/** Where the file may be whole and cannot be opened. */
const UNOPENED = /^(IO Error: Cannot open file|Permission Error)/;

/** What a query meets in a damaged file. */
const DAMAGED = /^(INTERNAL|FATAL|Serialization) Error|^IO Error: (Corrupt database file|Could not read enough bytes)/;

/** Databases open in this process. The system's lock works only between processes. */
const held = new Set<string>();

interface StoreOptions {
  /** Other runs' databases, which may be attached. All other files stay closed to queries. */
  readonly others?: readonly string[];
}

/** The database of a run, open in this process alone. */
export class Store implements Disposable {
  #disposed = false;
  /** Queries: one that begins while another is read would close it. */
  readonly #asking = oneByOne();
  readonly #transacting = oneByOne();

  private constructor(
    /** Its path. */
    readonly file: string,
    private readonly place: string,
    private readonly instance: DuckDBInstance,
    private readonly connection: DuckDBConnection,
  ) {}

  /**
   * Opens the database, made where there is none. Its queries read and write no other file.
   *
   * @throws NoticeError `options` where it is open elsewhere, damaged, or holds anything but the tables of a run.
   */
  static async open(file: string, { others = [] }: StoreOptions = {}): Promise<Store> {
    const folder = dirname(resolve(file));
    const place = join(await realpath(folder).catch(() => folder), basename(file));
    if (held.has(place)) throw unopened(file, "it is open in this process already; close it first");
    held.add(place);
    let instance: DuckDBInstance | undefined;
    let connection: DuckDBConnection | undefined;
    try {
      await makeWhole(file);
      instance = await DuckDBInstance.create(file, CONFIG);
      connection = await instance.connect();
      const store = new Store(file, place, instance, connection);
      await store.#shut(others);
      await store.#makeTables();
      return store;
    } catch (error) {
      connection?.closeSync();
      instance?.closeSync();
      held.delete(place);
      throw error instanceof NoticeError ? error : openError(file, error);
    }
  }

  /** Where `export` writes first: the one file that queries may write. */
  get beside(): string {
    return `${resolve(this.file)}.export`;
  }

  async #shut(others: readonly string[]): Promise<void> {
    const paths = others.map((other) => resolve(other)).flatMap((other) => [other, `${other}.wal`]);
    await this.connection.run(`SET allowed_paths = [${[this.beside, ...paths].map(quoted).join(", ")}]`);
    await this.connection.run("SET enable_external_access = false");
    await this.connection.run("SET lock_configuration = true");
  }

  async #makeTables(): Promise<void> {
    const refuse = (strange: string | undefined) => {
      if (strange === undefined) return;
      throw new NoticeError(
        "options",
        `${this.file} is not the database of a run: it holds the ${strange}, which no run has.`,
      );
    };
    const [found] = (await this.connection.runAndReadAll("SELECT current_database() AS name")).getRowObjectsJS();
    refuse(await strangeObject(this.connection));
    await this.transaction(async () => {
      for (const statement of tableStatements()) await this.run(statement);
      // Runs that were begun before there was one.
      await this.run("ALTER TABLE scores ADD COLUMN IF NOT EXISTS attribution DOUBLE");
      await this.run("ALTER TABLE provenance ADD COLUMN IF NOT EXISTS architecture VARCHAR");
      await this.run("ALTER TABLE samples ADD COLUMN IF NOT EXISTS answer_place VARCHAR");
    });
    refuse(await strangeTable(this.connection, String(found!.name)));
    const emptied = await emptiedColumn(this.connection);
    if (emptied !== undefined)
      throw new NoticeError(
        "options",
        `${this.file} is damaged: there is no ${emptied} in a row. Take a copy of the run, or begin another.`,
      );
  }

  /**
   * All that `work` writes, or nothing; one after the other.
   *
   * @throws NoticeError as `rows`; what `work` throws
   */
  async transaction(work: () => Promise<void>): Promise<void> {
    return this.#transacting(() => this.#transact(work));
  }

  async #transact(work: () => Promise<void>): Promise<void> {
    await this.run("BEGIN");
    try {
      await work();
      await this.run("COMMIT");
    } catch (error) {
      // A failed commit has ended the transaction itself.
      await this.run("ROLLBACK").catch(() => {});
      throw error;
    }
  }

  /** Rows at the end of a table. @throws NoticeError as `rows` */
  async insert(table: Table, rows: readonly Row[]): Promise<void> {
    const columns = Object.entries(TABLES[table]) as [string, Column][];
    await this.#ask(async (connection) => {
      const appender = await connection.createAppender(table);
      try {
        for (const row of rows) {
          for (const [name, type] of columns) append(appender, type, row[name] ?? null);
          appender.endRow();
        }
        appender.flushSync();
      } finally {
        close(appender);
      }
    });
  }

  /**
   * Rows of a query as objects; integers must be cast to INTEGER or DOUBLE in it where they may be larger.
   *
   * @throws NoticeError `options` with DuckDB's reason, such as a full disk; `disposed`
   */
  async rows<Found>(query: string, values: readonly DuckDBValue[] = []): Promise<Found[]> {
    const reader = await this.#ask((connection) => connection.runAndReadAll(query, [...values]));
    return reader.getRowObjectsJS() as Found[];
  }

  /** The first column of the first row, as a number. @throws NoticeError as `rows` */
  async count(query: string, values: readonly DuckDBValue[] = []): Promise<number> {
    const [row] = await this.rows<Record<string, number | bigint>>(query, values);
    return Number(Object.values(row!)[0]);
  }

  /** A statement without rows. @throws NoticeError as `rows` */
  async run(query: string, values: readonly DuckDBValue[] = []): Promise<void> {
    await this.#ask((connection) => connection.run(query, [...values]));
  }

  async #ask<Result>(work: (connection: DuckDBConnection) => Promise<Result>): Promise<Result> {
    try {
      return await this.#asking(async () => {
        if (this.#disposed) throw new NoticeError("disposed", `${this.file} was closed; open the run again.`);
        return work(this.connection);
      });
    } catch (cause) {
      if (cause instanceof NoticeError) throw cause;
      const [what] = (cause as Error).message.split("\n");
      if (isFull(cause)) {
        const { message } = fileError(this.file, "written", cause);
        throw new NoticeError("options", `${message} What the run holds stays, and the call goes on from there.`, {
          cause,
        });
      }
      if (DAMAGED.test(what!)) throw damaged(this.file, what!, cause);
      throw new NoticeError("options", `${this.file}: ${what}.`, { cause });
    }
  }

  /** Closes the database. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.connection.closeSync();
    this.instance.closeSync();
    held.delete(this.place);
  }
}

/**
 * A database without tables where there is none. DuckDB writes its beginning in steps: whoever is killed between them
 * would leave a file that nobody can open, so that is done beside its place.
 */
async function makeWhole(file: string): Promise<void> {
  if (await findFile(file)) return;
  const beside = partOf(file);
  await rm(beside, { force: true });
  try {
    (await DuckDBInstance.create(beside, CONFIG)).closeSync();
    // Never in the place of what another process made meanwhile; where files have one name only, it is renamed.
    await link(beside, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") return rename(beside, file);
    });
  } finally {
    await rm(beside, { force: true });
  }
}

const unopened = (file: string, why: string, cause?: unknown) =>
  new NoticeError("options", `${file} cannot be opened: ${why}.`, { cause });

function openError(file: string, cause: unknown): NoticeError {
  const { message } = cause as Error;
  if (HELD.test(message)) return unopened(file, "another process works on it; wait until it has ended", cause);
  const [what] = message.split("\n");
  return UNOPENED.test(message) ? unopened(file, what!, cause) : damaged(file, what!, cause);
}

const damaged = (file: string, what: string, cause: unknown) =>
  new NoticeError("options", `${file} is damaged or no database (${what}). Take a copy of the run, or begin another.`, {
    cause,
  });

/** Text as SQL. */
export const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** After a failure this flushes once more, and what that says would hide the reason. */
function close(appender: DuckDBAppender): void {
  try {
    appender.closeSync();
  } catch {}
}

function append(appender: DuckDBAppender, type: Column, value: Value): void {
  if (value === null) appender.appendNull();
  else if (type === "VARCHAR") appender.appendVarchar(value as string);
  else if (type === "INTEGER") appender.appendInteger(value as number);
  else if (type === "DOUBLE") appender.appendDouble(value as number);
  else if (type === "BOOLEAN") appender.appendBoolean(value as boolean);
  else appender.appendList(listValue(value as readonly DuckDBValue[]), LISTS[type]);
}
