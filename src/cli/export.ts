import { Command, Option } from "commander";
import { EXPORT_FORMATS, type ExportFormat } from "../study/queries/export.js";
import { checkOutputs } from "./options.js";
import { print } from "./streams.js";

/** `notice export RUN`: every score of a run, a row each. */
export function exportCommand(): Command {
  return new Command("export")
    .description("write every score of a run folder as a table, one row for each patch")
    .argument("<run>", "the run's folder")
    .addOption(new Option("--format <format>", "format of the file").choices([...EXPORT_FORMATS]).default("csv"))
    .requiredOption("--out <file>", "file to write")
    .action(async (folder: string, { format, out }: { format: ExportFormat; out: string }) => {
      await checkOutputs({ "--out": out }, `scores.${format}`);
      const { StudyRun } = await import("../study/run.js");
      const { exportScores } = await import("../study/export.js");
      using run = await StudyRun.reopen(folder);
      const count = await exportScores(run, out, format);
      print(`${out}: ${count} rows\n`);
    });
}
