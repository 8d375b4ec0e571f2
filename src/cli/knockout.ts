import type { Command } from "commander";
import { inPicture } from "../jobs/image-position.js";
import { lookingSite } from "../patching/answer-attention.js";
import { type Cut, sweepKnockOut } from "../patching/knock-out.js";
import { checkSite, type Site } from "../patching/sites.js";
import { indices, modelCommand, tokenPosition, wholeNumber, withBackend, withJson } from "./options.js";
import { type OnePairOptions, withOnePair, withPair } from "./pair-options.js";
import { printScores } from "./score-table.js";

interface KnockOutOptions extends OnePairOptions {
  readonly site?: Site;
  readonly from: Cut["from"];
  readonly to: Cut["to"];
  readonly heads?: number[];
  readonly window?: number;
}

/** `notice knockout MODEL`: cuts attention from some tokens to others, around each layer in turn. */
export function knockOutCommand(): Command {
  const command = modelCommand(
    "knockout",
    "cut the attention from some tokens to others around each layer, and score how the answer changes",
  );
  withPair(command)
    .option("--site <site>", "such as vision.self.pattern; default: the attention that looks at the picture", checkSite)
    .requiredOption("--from <where>", "tokens that attend: last, answer, question, a word, indices", tokenPosition)
    .requiredOption(
      "--to <where>",
      "tokens that they no longer attend to: the same, or image; where attention is to a picture's own tokens, " +
        "indices, box:10,20,64,64 (x, y, width, height in its pixels) or mask:FILE",
      tokenPosition,
    )
    .option("--heads <list>", "such as 0,2-4; default: all", indices)
    .option("--window <layers>", "how many layers are cut together; default: 1", wholeNumber)
    .option("--png <file>", "draw the layers; a name that ends in .svg makes it an SVG")
    .addHelpText("after", "\nThe clean run is cut. An effect of 1 is as bad as the corruption.");
  return withJson(withBackend(command)).action(runKnockOut);
}

async function runKnockOut(model: string, options: KnockOutOptions): Promise<void> {
  const { from, heads, window } = options;
  await withOnePair(model, options, async (pair, loaded, { image }) => {
    const site = (options.site ?? lookingSite(loaded)!.replace(/z$/, "pattern")) as Cut["site"];
    const named = { site: site.replace(/pattern$/, "k"), position: options.to };
    const { position: to } = await inPicture(loaded, pair, named, image);
    await printScores(await sweepKnockOut(pair, { site, from, to, heads }, { window }), pair, options);
  });
}
