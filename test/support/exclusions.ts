import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ExclusionCount } from "../../src/report/report-data.js";
import type { StudyRun } from "../../src/study/run.js";
import { temporaryFolder } from "./checkpoint.js";
import { CLEAN_IMAGE } from "./samples.js";

const row = (image: string, more: object = {}) =>
  JSON.stringify({ image, question: "is it red or blue?", answers: ["red", "blue"], ...more });

/** Lines of a table of one's own, of which the first and the sixth become samples. */
const LINES = [
  row("here.png", { id: "first" }),
  row("gone.png"),
  row("far.png"),
  row("here.png", { id: "first" }),
  row("lost.png"),
  row("here.png", { id: "last" }),
];

/**
 * What a report says of these lines and of `failed`, counted by hand: by stage, the most frequent first, each with its
 * first example.
 */
export const EXCLUSIONS: readonly ExclusionCount[] = [
  { stage: "evaluate", reason: "refused: image", count: 1, example: "last: here.png is damaged" },
  { stage: "prepare", reason: "missing image", count: 3, example: "attributes.jsonl line 2: gone.png" },
  { stage: "prepare", reason: "repeated id", count: 1, example: "attributes.jsonl line 4: first" },
];

/** The table; its path. */
export function faultyTable(): string {
  const table = join(temporaryFolder(), "attributes.jsonl");
  writeFileSync(table, LINES.join("\n"));
  copyFileSync(CLEAN_IMAGE, join(table, "..", "here.png"));
  return table;
}

/** What a stage after `prepare` writes of a sample that the model refuses. */
export async function refuse(run: StudyRun): Promise<void> {
  const where = { dataset: "attributes", source: "last" };
  const detail = "here.png is damaged";
  await run.store.insert("exclusions", [{ stage: "evaluate", ...where, reason: "refused: image", detail }]);
}
