import { Command } from "commander";
import { comparisonTables } from "../study/comparison-tables.js";
import { columns, withJson } from "./options.js";
import { checkOutputs, type Outputs, printResult } from "./outputs.js";

/** `notice compare RUN RUN …`: what the circuits of runs have in common. */
export function compareCommand(): Command {
  const command = new Command("compare")
    .description("compare the circuits of two or more runs: shared heads, ranks, depth and functions")
    .argument("<runs...>", "run folders, of the same model and data or of others");
  return withJson(command).action(async (folders: string[], options: Outputs) => {
    await checkOutputs({ json: options.json });
    const { reopenAll } = await import("../study/run.js");
    const { compareRuns } = await import("../study/compare.js");
    const runs = await reopenAll(folders);
    try {
      const compared = await compareRuns(runs);
      const tables = () =>
        comparisonTables(compared).map(({ caption, columns: names, rows }) => `${caption}\n\n${columns(rows, names)}`);
      await printResult(compared, () => tables().join("\n"), options);
    } finally {
      for (const run of runs) run[Symbol.dispose]();
    }
  });
}
