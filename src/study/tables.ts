/** Kinds of columns, as DuckDB names them. */
export type Column = "VARCHAR" | "INTEGER" | "DOUBLE" | "BOOLEAN" | "VARCHAR[]" | "FLOAT[]" | "DOUBLE[]";
export type Value = string | number | boolean | null | readonly string[] | readonly number[];
/** A row by the names of its columns; what is left out is null. */
export type Row = Readonly<Record<string, Value | undefined>>;

const sample = { dataset: "VARCHAR", sample: "VARCHAR" } as const;
const head = { modality: "VARCHAR", site: "VARCHAR", layer: "INTEGER", head: "INTEGER" } as const;

/**
 * The tables of a run. `dataset` and `sample` are the key of a sample in all of them. A stage skips work that these
 * rows mark as done:
 *
 * - prepare: a row of `finished` for the data set;
 * - evaluate: one of `answers` for the sample, or of `exclusions` where it could not be asked;
 * - select: a row of `finished`;
 * - screen: rows of `expected` for the sample; a row of `finished` once all is `chosen` from them;
 * - patch: a row of `patched` for the sample;
 * - verify: one of `verified` for the sample, the modality and the reading;
 * - rules: one of `kept` for the sample, the modality and the set of heads.
 */
export const TABLES = {
  /** One row: the settings that the run folder was started with, as JSON. */
  begun: { settings: "VARCHAR" },
  /** What computed a row. */
  provenance: {
    id: "INTEGER",
    package: "VARCHAR",
    model: "VARCHAR",
    model_hash: "VARCHAR",
    backend: "VARCHAR",
    settings_hash: "VARCHAR",
    /** What the checkpoint says about its heads. */
    note: "VARCHAR",
    /** The last column, because run folders of 0.1.0 get it added. */
    architecture: "VARCHAR",
  },
  /** `draw` in [0, 1) orders the samples in every random choice among them. */
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
    /** The last column, because earlier run folders get it added. */
    answer_place: "VARCHAR",
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
  /** Largest |attribution| of a head (or layer) at any token, in the samples used for screening. */
  expected: { ...sample, ...head, size: "DOUBLE", provenance: "INTEGER" },
  /** What is patched in a screened run, the same in every sample. */
  chosen: { dataset: "VARCHAR", ...head },
  /** One row for each place. A place that was not patched has only its `attribution`. */
  scores: {
    ...sample,
    ...head,
    position: "INTEGER",
    prob: "DOUBLE",
    prob_diff: "DOUBLE",
    logit_diff: "DOUBLE",
    effect: "DOUBLE",
    attribution: "DOUBLE",
  },
  /**
   * Where each head looks from the answer's token (of a causal tower the last) of the clean run. `pattern` is kept of a
   * few samples, for their pictures.
   */
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
  /** What a set of heads keeps of a pair's answer; `heads` has a bit for each head tested, in hexadecimal. */
  kept: { ...sample, modality: "VARCHAR", heads: "VARCHAR", kept: "DOUBLE", provenance: "INTEGER" },
  /** Circuits by each rule and what they do on samples that they were not found on; `reading` names the settings. */
  rules: {
    dataset: "VARCHAR",
    modality: "VARCHAR",
    rule: "VARCHAR",
    heads: "VARCHAR[]",
    size: "INTEGER",
    of: "INTEGER",
    found_on: "INTEGER",
    tested_on: "INTEGER",
    kept: "DOUBLE",
    kept_low: "DOUBLE",
    kept_high: "DOUBLE",
    removed: "DOUBLE",
    no_head: "DOUBLE",
    random: "DOUBLE",
    random_sets: "INTEGER",
    p_value: "DOUBLE",
    cpr: "DOUBLE",
    cmd: "DOUBLE",
    reading: "VARCHAR",
  },
  /** What a stage has finished, by data set. */
  finished: { stage: "VARCHAR", dataset: "VARCHAR" },
} as const satisfies Record<string, Record<string, Column>>;

/** The name of a table. */
export type Table = keyof typeof TABLES;

export const KEYS: Partial<Record<Table, string>> = {
  provenance: "id",
  samples: "dataset, sample",
  answers: "dataset, sample",
  selected: "dataset, sample",
  patched: "dataset, sample",
  verified: "dataset, sample, modality, reading",
  finished: "stage, dataset",
};
