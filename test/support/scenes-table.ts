import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeScenes } from "../../src/data/scenes/write.js";
import { temporaryFolder } from "./checkpoint.js";

/** Of generated scenes those of attributes, as a table of one's own (`--dataset FILE`); its path. */
export async function attributesTable(count: number, seed: number): Promise<string> {
  const folder = join(temporaryFolder(), "scenes");
  await writeScenes(folder, { count, seed });
  const table = join(folder, "attributes.jsonl");
  const lines = readFileSync(join(folder, "pairs.jsonl"), "utf8").split("\n");
  writeFileSync(table, lines.filter((line) => line.includes('"task":"attributes"')).join("\n"));
  return table;
}
