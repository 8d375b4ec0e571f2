import { Command } from "commander";
import { formatBytes } from "../base/bytes.js";
import { type DownloadProgress, download } from "../files/hub.js";
import { type Progress, progress } from "./progress.js";
import { oneLine, say } from "./streams.js";

/** `notice download ID`: the snapshot folder on stdout, everything else on stderr. */
export function downloadCommand(): Command {
  return new Command("download")
    .description("download a checkpoint from the Hugging Face hub into the cache and print its folder")
    .argument("<id>", "hub id: owner/name, or owner/name@revision")
    .option("--revision <revision>", "branch, tag or commit")
    .option("--cache <folder>", "the hub's cache (default: HF_HUB_CACHE, else HF_HOME/hub)")
    .addHelpText("after", "\nHF_TOKEN gives access to gated models, HF_ENDPOINT names another hub.")
    .action(async (id: string, options: { revision?: string; cache?: string }) => {
      const model = options.revision === undefined ? id : `${id}@${options.revision}`;
      const report = downloadReport();
      try {
        const folder = await download(model, { cache: options.cache, onProgress: report.update, onWait: say });
        report.stop();
        process.stdout.write(`${folder}\n`);
      } finally {
        report.stop();
      }
    });
}

/** How any command shows a download: one bar in a terminal, else one line a file on stderr. */
export function downloadReport(): { update(state: DownloadProgress): void; stop(): void } {
  let bar: Progress | undefined;
  let file = "";
  return {
    update(state) {
      bar ??= progress(state.total, "download", "bytes");
      bar.update(state.done, state.file);
      if (state.file === file || process.stderr.isTTY) return;
      file = state.file;
      const soFar = `${formatBytes(state.done)} of ${formatBytes(state.total)} so far`;
      process.stderr.write(`download: ${oneLine(file)} (${soFar})\n`);
    },
    stop: () => bar?.stop(),
  };
}
