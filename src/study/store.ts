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

/** Kinds of columns, as DuckDB names them. */
type Column = "VARCHAR" | "INTEGER" | "DOUBLE" | "BOOLEAN" | "VARCHAR[]" | "FLOAT[]" | "DOUBLE[]";
type Value = string | number | boolean | null | readonly string[] | readonly number[];
/** A row by the names of its columns; what is left out is null. */
export type Row = Readonly<Record<string, Value | undefined>>;

const sample = { dataset: "VARCHAR", sample: "VARCHAR" } as const;

/** The tables of a run. `dataset` and `sample` are the key of a sample in all of them. */
const TABLES = {
  /** What computed a row. */
  provenance: {
    id: "INTEGER",
    package: "VARCHAR",
    model: "VARCHAR",
    model_hash: "VARCHAR",
    backend: "VARCHAR",
    settings_hash: "VARCHAR",
    /** The checkpoint's word on its heads. */
    note: "VARCHAR",
  },
  /** `draw` in [0, 1) is the sample's place in every random choice among samples. */
  samples: {
    ...sample,
    draw: "DOUBLE",
    sample_group: "VARCHAR",
    image: "VARCHAR",
    corrupt_image: "VARCHAR",
    question: "VARCHAR",
    corrupt_question: "VARCHAR",
    correct: "VARCHAR",
    incorrect: "VARCHAR",
    mask: "VARCHAR",
  },
  exclusions: { stage: "VARCHAR", dataset: "VARCHAR", source: "VARCHAR", reason: "VARCHAR", detail: "VARCHAR" },
  answers: { ...sample, answer: "VARCHAR", is_correct: "BOOLEAN", provenance: "INTEGER" },
  selected: { ...sample, ordinal: "INTEGER" },
  /** The clean and the corrupted pass of a sample in a modality; `answer_token` and
   * `incorrect_token` are the places of the answers in `tokens`. */
  passes: {
    ...sample,
    modality: "VARCHAR",
    tokens: "VARCHAR[]",
    answer_token: "INTEGER",
    incorrect_token: "INTEGER",
    clean_prob: "DOUBLE",
    clean_logit_diff: "DOUBLE",
    corrupted_prob: "DOUBLE",
    corrupted_logit_diff: "DOUBLE",
  },
  /** What gradients expect of a head (or layer) at the token of which they expect most, in the samples that are screened on. */
  expected: {
    ...sample,
    modality: "VARCHAR",
    site: "VARCHAR",
    layer: "INTEGER",
    head: "INTEGER",
    size: "DOUBLE",
    provenance: "INTEGER",
  },
  /** What is patched in a screened run, in every sample alike. */
  chosen: { dataset: "VARCHAR", modality: "VARCHAR", site: "VARCHAR", layer: "INTEGER", head: "INTEGER" },
  /** A row a place. Where it was not patched, there is its `attribution` and nothing else. */
  scores: {
    ...sample,
    modality: "VARCHAR",
    site: "VARCHAR",
    layer: "INTEGER",
    head: "INTEGER",
    position: "INTEGER",
    prob: "DOUBLE",
    prob_diff: "DOUBLE",
    logit_diff: "DOUBLE",
    effect: "DOUBLE",
    attribution: "DOUBLE",
  },
  /** Where each head looks from the answer's token of the clean run. `pattern` is kept of a few samples, for their pictures. */
  attention: {
    ...sample,
    layer: "INTEGER",
    head: "INTEGER",
    object_mass: "DOUBLE",
    object_uniform: "DOUBLE",
    auroc: "DOUBLE",
    outlier_mass: "DOUBLE",
    outlier_uniform: "DOUBLE",
    pattern: "FLOAT[]",
  },
  /** Samples that are done, each written with all its rows. */
  patched: { ...sample, provenance: "INTEGER" },
  /** How well a circuit does on a sample that it was not found on. `reading` names the circuit and its test. */
  verified: {
    ...sample,
    modality: "VARCHAR",
    reading: "VARCHAR",
    kept: "DOUBLE",
    removed: "DOUBLE",
    random: "DOUBLE[]",
    curve: "DOUBLE[]",
    cpr: "DOUBLE",
    cmd: "DOUBLE",
    provenance: "INTEGER",
  },
  /** What a stage has finished, by data set. */
  finished: { stage: "VARCHAR", dataset: "VARCHAR" },
} as const satisfies Record<string, Record<string, Column>>;

/** The name of a table. */
export type Table = keyof typeof TABLES;

const KEYS: Partial<Record<Table, string>> = {
  provenance: "id",
  samples: "dataset, sample",
  answers: "dataset, sample",
  selected: "dataset, sample",
  patched: "dataset, sample",
  verified: "dataset, sample, modality, reading",
  finished: "stage, dataset",
};

const LISTS = { "VARCHAR[]": LIST(VARCHAR), "FLOAT[]": LIST(FLOAT), "DOUBLE[]": LIST(DOUBLE) };

/** No extension is fetched from anywhere: all that is needed is built in. */
const CONFIG = { autoinstall_known_extensions: "false", autoload_known_extensions: "false" };

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
    await store.transaction(async () => {
      for (const [table, columns] of Object.entries(TABLES)) {
        const key = KEYS[table as Table];
        const definitions = Object.entries(columns).map(([name, type]) => `${name} ${type}`);
        if (key) definitions.push(`PRIMARY KEY (${key})`);
        await store.connection.run(`CREATE TABLE IF NOT EXISTS ${table} (${definitions.join(", ")})`);
      }
      // Runs that were begun before there was one.
      await store.connection.run("ALTER TABLE scores ADD COLUMN IF NOT EXISTS attribution DOUBLE");
    });
    return store;
  }

  /** All that `work` writes, or nothing. */
  async transaction(work: () => Promise<void>): Promise<void> {
    await this.connection.run("BEGIN");
    try {
      await work();
      await this.connection.run("COMMIT");
    } catch (error) {
      // A failed commit has ended the transaction itself.
      await this.connection.run("ROLLBACK").catch(() => {});
      throw error;
    }
  }

  /** Rows at the end of a table. */
  async insert(table: Table, rows: Iterable<Row>): Promise<void> {
    const columns = Object.entries(TABLES[table]) as [string, Column][];
    const appender = await this.connection.createAppender(table);
    try {
      for (const row of rows) {
        for (const [name, type] of columns) append(appender, type, row[name] ?? null);
        appender.endRow();
      }
      appender.flushSync();
    } finally {
      appender.closeSync();
    }
  }

  /**
   * Rows of a query as objects; integers must be cast to INTEGER or DOUBLE in it where they may be larger.
   *
   * @throws NoticeError `options` with DuckDB's reason; `disposed`
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
      throw new NoticeError("options", `${this.file}: ${what}.`, { cause });
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

function append(appender: DuckDBAppender, type: Column, value: Value): void {
  if (value === null) appender.appendNull();
  else if (type === "VARCHAR") appender.appendVarchar(value as string);
  else if (type === "INTEGER") appender.appendInteger(value as number);
  else if (type === "DOUBLE") appender.appendDouble(value as number);
  else if (type === "BOOLEAN") appender.appendBoolean(value as boolean);
  else appender.appendList(listValue(value as readonly DuckDBValue[]), LISTS[type]);
}
