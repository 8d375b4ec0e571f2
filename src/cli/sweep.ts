import { Command } from "commander";
import { inPicture } from "../jobs/image-position.js";
import type { Scores } from "../patching/scores.js";
import { checkSite } from "../patching/sites.js";
import type { SweepOptions } from "../patching/sweep.js";
import { loadModel, siteOf, wholeNumber, withBackend, withJson } from "./options.js";
import { checkOutputs } from "./outputs.js";
import { refuseListOptions, withPairList } from "./pair-list.js";
import { pairInput, withDirection, withPair } from "./pair-options.js";
import { progress } from "./progress.js";
import { printScores, withTable } from "./score-table.js";
import type { PairsOptions } from "./sweep-pairs.js";
import { tileNotice } from "./tile-notice.js";

/** `notice sweep MODEL`: patches every head of a site, one at a time, and prints what each restores. */
export function sweepCommand(): Command {
  const command = new Command("sweep")
    .description("patch every head (or row) at every layer and token, one at a time, and score how the answer changes")
    .argument("<model>", "checkpoint folder, or hub id such as Salesforce/blip-vqa-base");
  withTable(withDirection(withPair(command))).option(
    "--screen <places>",
    "patch only this many places, those that gradients rate highest",
    wholeNumber,
  );
  withPairList(command, ["png"]);
  return withJson(withBackend(command)).action(runSweep);
}

async function runSweep(model: string, options: PairsOptions): Promise<void> {
  if (options.site !== undefined) checkSite(options.site);
  if (options.pairs !== undefined) {
    const { runPairs } = await import("./sweep-pairs.js");
    return runPairs(model, options.pairs, options);
  }
  refuseListOptions(options);
  const input = pairInput(options, ", or a list of --pairs");
  await checkOutputs({ json: options.json, png: options.png });
  const site = await siteOf(model, options.site);
  const { sweep } = await import("../patching/sweep.js");
  using blip = await loadModel(model, options);
  using pair = await blip.pair(input);
  let bar: ReturnType<typeof progress> | undefined;
  const notice = tileNotice(pair);
  const onProgress = (done: number, total: number) => {
    notice(done, total);
    bar ??= progress(total, "sweep", "patches");
    bar.update(done);
  };
  const { layers, heads, position, together, direction, screen } = options;
  let scores: Scores;
  try {
    const asked = { site, layers, heads, position, together, direction, screen } as SweepOptions;
    scores = await sweep(pair, { ...(await inPicture(blip, pair, asked, options.image!)), onProgress });
  } finally {
    bar?.stop();
  }
  await printScores(scores, pair, options);
}
