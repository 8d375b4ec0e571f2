import { Command, Option } from "commander";
import { EXPORT_FORMATS, type ExportFormat } from "../study/queries/export.js";
import { checkOutputs, writeTo } from "./outputs.js";
import { print } from "./streams.js";

/** `notice export RUN`: every score of a run, a row each. */
export function exportCommand(): Command {
  return new Command("export")
    .description("write every score of a run folder as a table, one row for each patch")
    .argument("<run>", "the run's folder")
    .addOption(new Option("--format <format>", "format of the file").choices([...EXPORT_FORMATS]).default("csv"))
    .requiredOption("--out <file>", "file to write; - for standard output")
    .action(async (folder: string, { format, out }: { format: ExportFormat; out: string }) => {
      const kind = `scores.${format}` as const;
      await checkOutputs({ out }, kind);
      const { StudyRun } = await import("../study/run.js");
      const { exportTo } = await import("../study/export.js");
      using run = await StudyRun.reopen(folder);
      const count = await exportTo(run, format, (parts) => writeTo(out, kind, parts));
      if (out !== "-") print(`${out}: ${count} rows\n`);
    });
}
