import { dirname } from "node:path";
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
import { NoticeError } from "../errors.js";
import { type Column, KEYS, type Row, TABLES, type Table, type Value } from "./tables.js";

const LISTS = { "VARCHAR[]": LIST(VARCHAR), "FLOAT[]": LIST(FLOAT), "DOUBLE[]": LIST(DOUBLE) };

/** No extension is fetched from anywhere: all that is needed is built in. */
const CONFIG = { autoinstall_known_extensions: "false", autoload_known_extensions: "false" };

/** The system's words for it, at the end of DuckDB's. */
const FULL = /: (no space left on device|disk quota exceeded|there is not enough space on the disk)/i;

/** The database of a run, open in this process alone. */
export class Store implements Disposable {
  #disposed = false;

  private constructor(
    /** Its path. */
    readonly file: string,
    private readonly instance: DuckDBInstance,
    private readonly connection: DuckDBConnection,
  ) {}

  /**
   * Opens the database, made where there is none.
   *
   * @throws NoticeError `options` where another process has it open or it is no database of a run.
   */
  static async open(file: string): Promise<Store> {
    let instance: DuckDBInstance;
    try {
      instance = await DuckDBInstance.create(file, CONFIG);
    } catch (cause) {
      const [what] = (cause as Error).message.split("\n");
      const busy = /lock/i.test(what!);
      const said = busy ? "another process works on it; wait until it has ended" : what;
      throw new NoticeError("options", `${file} cannot be opened: ${said}.`, { cause });
    }
    const store = new Store(file, instance, await instance.connect());
    try {
      await store.#makeTables();
    } catch (error) {
      store[Symbol.dispose]();
      throw error;
    }
    return store;
  }

  async #makeTables(): Promise<void> {
    await this.transaction(async () => {
      for (const [table, columns] of Object.entries(TABLES)) {
        const key = KEYS[table as Table];
        const definitions = Object.entries(columns).map(([name, type]) => `${name} ${type}`);
        if (key) definitions.push(`PRIMARY KEY (${key})`);
        await this.run(`CREATE TABLE IF NOT EXISTS ${table} (${definitions.join(", ")})`);
      }
      // Runs that were begun before there was one.
      await this.run("ALTER TABLE scores ADD COLUMN IF NOT EXISTS attribution DOUBLE");
      await this.run("ALTER TABLE provenance ADD COLUMN IF NOT EXISTS architecture VARCHAR");
    });
  }

  /** All that `work` writes, or nothing. @throws NoticeError as `rows`; what `work` throws */
  async transaction(work: () => Promise<void>): Promise<void> {
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
    if (this.#disposed) throw new NoticeError("disposed", `${this.file} was closed; open the run again.`);
    try {
      return await work(this.connection);
    } catch (cause) {
      const [what] = (cause as Error).message.split("\n");
      const said = FULL.test(what!)
        ? `The run ${dirname(this.file)} cannot be written: ${what}. What is in it stays; make room, and the same call goes on from there.`
        : `${this.file}: ${what}.`;
      throw new NoticeError("options", said, { cause });
    }
  }

  /** Closes the database. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.connection.closeSync();
    this.instance.closeSync();
  }
}

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
