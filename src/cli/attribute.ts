import type { Command } from "commander";
import { NoticeError } from "../base/errors.js";
import type { AttributeAsked } from "../jobs/attribute.js";
import { inPicture } from "../jobs/image-position.js";
import { agreement } from "../patching/agreement.js";
import { attribute, type SiteAttribution } from "../patching/attribute.js";
import type { PairInput } from "../patching/inputs.js";
import type { Pair } from "../patching/pair.js";
import type { Scores } from "../patching/scores.js";
import { mainSites } from "../patching/sites.js";
import { type SweepOptions, sweep } from "../patching/sweep.js";
import { columns, modelCommand, siteOf, wholeNumber, withBackend, withJson } from "./options.js";
import { type PairListOptions, withListOrOne, withPairList } from "./pair-list.js";
import { type DirectionOptions, type OnePairOptions, withDirection, withPair } from "./pair-options.js";
import { placeColumns, printScores, type TableCommandOptions, withTable } from "./score-table.js";

interface AttributeCommandOptions extends PairListOptions, OnePairOptions, DirectionOptions, TableCommandOptions {
  readonly steps: number;
  readonly qkFix?: boolean;
  readonly gradDrop?: boolean;
  readonly exact?: boolean;
}

/** `notice attribute MODEL`: what `sweep` would find, to first order, from one backward pass. */
export function attributeCommand(): Command {
  const command = modelCommand(
    "attribute",
    "estimate the effect of patching every head (or row) from one backward pass",
  );
  withTable(withDirection(withPair(command)))
    .option(
      "--steps <passes>",
      "integrated gradients: average over this many passes between the two runs",
      wholeNumber,
      0,
    )
    .option("--qk-fix", "for queries and keys: recompute the softmax for each changed one")
    .option(
      "--grad-drop",
      "take the gradient with each layer dropped, for heads whose paths cancel; scores have no sign",
    )
    .option("--exact", "also sweep, and print how well attribution agrees with it")
    .addHelpText("after", "\nIn the result, prob and probDiff are null: a gradient says nothing of them.");
  withPairList(command, ["exact", "png"]);
  return withJson(withBackend(command)).action(runAttribute);
}

async function runAttribute(model: string, options: AttributeCommandOptions): Promise<void> {
  if (options.exact && options.json === "-")
    throw new NoticeError("options", "--exact prints a comparison beneath the table, and --json - prints no table.");
  const { layers, heads, position, together, direction, steps, qkFix, gradDrop } = options;
  const asked = { layers, heads, position, together, direction, steps, qkFix, gradDrop };
  await withListOrOne(model, options, {
    async list(file) {
      const { mapPairs } = await import("./map-pairs.js");
      const attribution = { site: await siteOf(model, options.site), ...asked } as AttributeAsked;
      const inputOf = (pair: PairInput) => ({ pair, attribution });
      const { site } = attribution;
      await mapPairs(model, file, { name: "attribute", inputOf, site, direction, asked: attribution }, options);
    },
    async one(pair, loaded, { image }) {
      const { site = mainSites(loaded.architecture)[0]! } = options;
      const at = await inPicture(loaded, pair, { site, ...asked } as AttributeAsked, image);
      const scores = await attribute(pair, at);
      await printScores(scores, pair, options, options.exact ? await comparison(pair, scores, at) : "");
    },
  });
}

/** Correlation with exact patching, and where the two are furthest apart. */
async function comparison(pair: Pair, scores: Scores, options: SiteAttribution): Promise<string> {
  const { site, layers, heads, position, together, direction } = options;
  const swept = { site, layers, heads, position, together, direction } as SweepOptions;
  const { places, pearson, misses } = agreement(scores, await sweep(pair, swept));
  const rows = misses.map(({ index, found, exact }) => [
    ...placeColumns(scores, index),
    found.toFixed(3),
    exact.toFixed(3),
  ]);
  return (
    `\nbeside exact patching, over ${places} places: correlation ${pearson?.toFixed(3) ?? "undefined"}. Furthest apart (logits):\n` +
    columns(rows, ["where", "token", "attribution", "exact"])
  );
}
