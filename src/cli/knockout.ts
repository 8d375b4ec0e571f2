import type { Command } from "commander";
import { NoticeError } from "../base/errors.js";
import { knockOutIn } from "../jobs/knock-out.js";
import type { PairInput } from "../patching/inputs.js";
import type { Cut } from "../patching/knock-out.js";
import { checkSite, mainSites, type Site } from "../patching/sites.js";
import { indices, modelCommand, siteOf, tokenPosition, wholeNumber, withBackend, withJson } from "./options.js";
import { type PairListOptions, withListOrOne, withPairList } from "./pair-list.js";
import { type OnePairOptions, withPair } from "./pair-options.js";
import { randomCutsTable } from "./random-cuts.js";
import { printScores } from "./score-table.js";

interface KnockOutOptions extends PairListOptions, OnePairOptions {
  readonly site?: Site;
  readonly from: Cut["from"];
  readonly to: Cut["to"];
  readonly heads?: number[];
  readonly window?: number;
  readonly random?: number;
  readonly seed?: number;
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
        "indices, box:10,20,64,64 (x, y, width, height in its pixels), tile:0 or mask:FILE",
      tokenPosition,
    )
    .option("--heads <list>", "such as 0,2-4; default: all", indices)
    .option("--window <layers>", "how many layers are cut together; default: 1", wholeNumber)
    .option("--random <n>", "beside cuts to as many random tokens, drawn so many times; default: 0", wholeNumber)
    .option("--seed <number>", "with --random: seed of the random tokens; default: 0", wholeNumber)
    .option("--png <file>", "draw the layers; a name that ends in .svg makes it an SVG")
    .addHelpText("after", "\nThe clean run is cut. An effect of 1 is as bad as the corruption.");
  withPairList(command, ["png"]);
  return withJson(withBackend(command)).action(runKnockOut);
}

async function runKnockOut(model: string, options: KnockOutOptions): Promise<void> {
  const { from, to, heads, window, random: randomSets, seed } = options;
  if (seed !== undefined && !randomSets)
    throw new NoticeError("options", "--seed draws the random tokens of --random; give it too, or leave --seed out.");
  const cutOf = (looking: Site) => {
    const site = (options.site ?? looking.replace(/z$/, "pattern")) as Cut["site"];
    return { cut: { site, from, to, heads }, window, ...(randomSets && { randomSets, seed: seed ?? 0 }) };
  };
  await withListOrOne(model, options, {
    async list(file) {
      const { mapPairs } = await import("./map-pairs.js");
      const asked = cutOf(await siteOf(model, undefined));
      const inputOf = (pair: PairInput) => ({ pair, ...asked });
      const { site } = asked.cut;
      const of = { name: "knockOut", inputOf, site, direction: "noise", asked, randomSets } as const;
      await mapPairs(model, file, of, options);
    },
    async one(pair, loaded, { image }) {
      const asked = cutOf(mainSites(loaded.architecture)[0]!);
      const scores = await knockOutIn(loaded, pair, image, asked);
      await printScores(scores, pair, options, randomSets ? randomCutsTable(scores) : "");
    },
  });
}
