import { Command, Option } from "commander";
import { EXPORT_FORMATS, EXPORT_TABLES, type ExportFormat, type ExportTable } from "../study/queries/export.js";
import { checkOutputs, writeTo } from "./outputs.js";
import { print } from "./streams.js";

/** `notice export RUN`: every score of a run, a row each; or its circuits by rules. */
export function exportCommand(): Command {
  return new Command("export")
    .description("write every score of a run folder as a table, one row for each patch; or its circuits by each rule")
    .argument("<run>", "the run's folder")
    .addOption(new Option("--format <format>", "format of the file").choices([...EXPORT_FORMATS]).default("csv"))
    .addOption(new Option("--table <table>", "what is written").choices([...EXPORT_TABLES]).default("scores"))
    .requiredOption("--out <file>", "file to write; - for standard output")
    .action(async (folder: string, { table, format, out }: ExportFlags) => {
      const kind = `${table}.${format}` as const;
      await checkOutputs({ out }, kind);
      const { StudyRun } = await import("../study/run.js");
      const { exportTo } = await import("../study/export.js");
      using run = await StudyRun.reopen(folder);
      const count = await exportTo(run, table, format, (parts) => writeTo(out, kind, parts));
      if (out !== "-") print(`${out}: ${count} rows\n`);
    });
}

interface ExportFlags {
  readonly table: ExportTable;
  readonly format: ExportFormat;
  readonly out: string;
}
