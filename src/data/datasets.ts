import { NoticeError } from "../base/errors.js";
import { nearest } from "../base/nearest.js";
import { faces } from "./faces.js";
import { mitStates } from "./mit-states.js";
import type { Dataset, PrepareContext, Prepared } from "./sample.js";
import { svoProbes } from "./svo-probes.js";
import { table } from "./table.js";

/** The data sets that are read in their publishers' layouts. */
export const DATASETS: Readonly<Record<string, Dataset>> = {
  "svo-probes": svoProbes,
  "mit-states": mitStates,
  faces,
};

/** Whether a data set's name is the path of a table. */
export const isTable = (name: string) => /\.(csv|jsonl)$/i.test(name);

/**
 * A data set by name, or a table by its path (.csv, .jsonl).
 *
 * @param folder where the data set lies; of a table, a folder that its paths may lead below, beside its own.
 * @returns what prepares it, as often as it is called.
 * @throws NoticeError `options` where there is no such data set, or a name comes without a folder.
 * @example for await (const { sample, excluded } of openDataset("faces", "fer")({ pieces, seed: 1 })) …
 */
export function openDataset(
  name: string,
  folder?: string,
): (context: PrepareContext) => AsyncGenerator<Prepared, void, undefined> {
  if (!isTable(name) && !Object.hasOwn(DATASETS, name)) {
    const names = Object.keys(DATASETS);
    const known = `there are ${names.join(", ")}, and tables by their path (.csv, .jsonl)`;
    throw new NoticeError(
      "options",
      `There is no data set ${JSON.stringify(name)}; did you mean ${nearest(name, names)}? In all ${known}.`,
    );
  }
  if (isTable(name)) return (context) => table(name, context, folder);
  if (folder === undefined) throw new NoticeError("options", `The data set ${name} needs the folder that it lies in.`);
  return (context) => DATASETS[name]!(folder, context);
}
