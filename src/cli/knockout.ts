import { Command } from "commander";
import { inPicture } from "../jobs/image-position.js";
import { lookingSite } from "../patching/answer-attention.js";
import { type Cut, sweepKnockOut } from "../patching/knock-out.js";
import { checkSite } from "../patching/sites.js";
import { indices, loadModel, type ModelOptions, wholeNumber, withBackend, withJson } from "./options.js";
import { checkOutputs, type Outputs } from "./outputs.js";
import { type PairOptions, pairInput, withPair } from "./pair-options.js";
import { printScores, tokenPosition } from "./score-table.js";

interface KnockOutOptions extends Outputs, ModelOptions, PairOptions {
  readonly site?: string;
  readonly from: Cut["from"];
  readonly to: Cut["to"];
  readonly heads?: number[];
  readonly window?: number;
}

/** `notice knockout MODEL`: cuts attention from some tokens to others, around each layer in turn. */
export function knockOutCommand(): Command {
  const command = new Command("knockout")
    .description("cut the attention from some tokens to others around each layer, and score how the answer changes")
    .argument("<model>", "checkpoint folder, or hub id such as Salesforce/blip-vqa-base");
  withPair(command)
    .option("--site <site>", "such as vision.self.pattern; default: the attention that looks at the picture")
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
  const { from, heads, window, png, json } = options;
  if (options.site !== undefined) checkSite(options.site);
  const input = pairInput(options);
  await checkOutputs({ json, png });
  using loaded = await loadModel(model, options);
  using pair = await loaded.pair(input);
  const site = (options.site ?? lookingSite(loaded)!.replace(/z$/, "pattern")) as Cut["site"];
  const named = { site: site.replace(/pattern$/, "k"), position: options.to };
  const { position: to } = await inPicture(loaded, pair, named, options.image!);
  await printScores(await sweepKnockOut(pair, { site, from, to, heads }, { window }), pair, options);
}
