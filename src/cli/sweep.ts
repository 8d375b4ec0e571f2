import type { Command } from "commander";
import { NoticeError } from "../base/errors.js";
import { inPicture } from "../jobs/image-position.js";
import type { Pair } from "../patching/pair.js";
import type { Scores } from "../patching/scores.js";
import { mainSites } from "../patching/sites.js";
import type { SweepOptions } from "../patching/sweep.js";
import { shardOption } from "./list-shards.js";
import { modelCommand, wholeNumber, withBackend, withJson } from "./options.js";
import { withListOrOne, withPairList } from "./pair-list.js";
import { withDirection, withPair } from "./pair-options.js";
import { progress } from "./progress.js";
import { printScores, withTable } from "./score-table.js";
import type { PairsOptions } from "./sweep-pairs.js";
import { tileNotice } from "./tile-notice.js";

/** `notice sweep MODEL`: patches every head of a site, one at a time, and prints what each restores. */
export function sweepCommand(): Command {
  const command = modelCommand(
    "sweep",
    "patch every head (or row) at every layer and token, one at a time, and score how the answer changes",
  );
  withTable(withDirection(withPair(command))).option(
    "--screen <places>",
    "patch only this many places, those that gradients rate highest",
    wholeNumber,
  );
  withPairList(command, ["png"]).addOption(shardOption("the list (with --pairs)"));
  return withJson(withBackend(command)).action(runSweep);
}

async function runSweep(model: string, options: PairsOptions): Promise<void> {
  if (options.shard !== undefined && options.pairs === undefined)
    throw new NoticeError("options", "--shard is a part of a list; it goes with --pairs.");
  await withListOrOne(model, options, {
    async list(file) {
      const { runPairs } = await import("./sweep-pairs.js");
      await runPairs(model, file, options);
    },
    async one(pair, loaded, { image }) {
      const { site = mainSites(loaded.architecture)[0]! } = options;
      const { layers, heads, position, together, direction, screen } = options;
      const asked = { site, layers, heads, position, together, direction, screen } as SweepOptions;
      const placed = await inPicture(loaded, pair, asked, image);
      await printScores(await sweepWithBar(pair, placed), pair, options);
    },
  });
}

async function sweepWithBar(pair: Pair, place: SweepOptions): Promise<Scores> {
  const { sweep } = await import("../patching/sweep.js");
  let bar: ReturnType<typeof progress> | undefined;
  const notice = tileNotice(pair);
  const onProgress = (done: number, total: number) => {
    notice(done, total);
    bar ??= progress(total, "sweep", "patches");
    bar.update(done);
  };
  try {
    return await sweep(pair, { ...place, onProgress });
  } finally {
    bar?.stop();
  }
}
