import type { Command } from "commander";
import { indexesOf } from "../patching/agreement.js";
import { answerName } from "../patching/metrics.js";
import type { Pair } from "../patching/pair.js";
import type { Position } from "../patching/positions.js";
import type { Scores } from "../patching/scores.js";
import { checkSite, type Site } from "../patching/sites.js";
import { pieceText } from "../words/piece-text.js";
import { fixed3 } from "./decimals.js";
import { columns, indices, tokenPosition } from "./options.js";
import { figureKind, type Outputs, printResult, writeTo } from "./outputs.js";

export interface TableCommandOptions extends Outputs {
  readonly site?: Site;
  readonly layers?: number[];
  readonly heads?: number[];
  readonly position: Position;
  readonly together?: boolean;
}

/** Which places of a site a table of scores holds. */
export function withTable(command: Command): Command {
  return command
    .option(
      "--site <site>",
      "site to patch; default: text.cross.z, or the heads that look at the picture in its place",
      checkSite,
    )
    .option("--layers <list>", "such as 0,2-4; default: all", indices)
    .option("--heads <list>", "such as 0,2-4; default: all", indices)
    .option(
      "--position <where>",
      "all, answer, answer-1, last, question, image, a word of the question, indices such as 3 or 3,5; of an image " +
        "box:10,20,64,64 (x, y, width, height in its pixels), tile:0 or mask:FILE",
      tokenPosition,
      "all",
    )
    .option("--together", "patch all positions at once instead of one by one")
    .option("--png <file>", "draw a map of layers and heads; a name that ends in .svg makes it an SVG");
}

/**
 * The scores as JSON, as a table and as a figure, as far as they are asked for.
 *
 * @param more what the table says beneath.
 */
export async function printScores(scores: Scores, pair: Pair, options: Outputs, more = ""): Promise<void> {
  const { scoreMap } = await import("../report/score-map.js");
  const { note } = pair.model.config;
  const map = scoreMap(scores, { token: pair.answerToken, note });
  if (options.png !== undefined) {
    const { headMapPng, headMapSvg } = await import("../report/heatmap.js");
    const kind = figureKind(options.png);
    await writeTo(options.png, kind, await (kind === "svg" ? headMapSvg(map) : headMapPng(map)));
  }
  await printResult(scores, () => scoreTable(scores, map) + more + (note === undefined ? "" : `\n${note}\n`), options);
}

/** Scores for people: what the passes say, one layer x head map, and the largest of all. */
function scoreTable(
  scores: Scores,
  map: { values: readonly (readonly (number | null)[])[]; title: string; legend: string },
): string {
  const { clean, corrupted, answers, direction } = scores.facts;
  const width = map.values[0]!.length;
  const header = [
    "layer",
    ...Array.from(
      { length: width },
      (_, column) => `${scores.facts.axes[1] === "token" ? scores.facts.tokens[column] : column}`,
    ),
  ];
  const note = scores.degenerate
    ? "Clean and corrupted answers hardly differ, so no effect is defined; shown is the change of the logit difference.\n"
    : "";
  return (
    `${answerName(answers.correct)} or ${answerName(answers.incorrect)}: logit difference ${fixed3(clean.logitDiff)} clean, ` +
    `${fixed3(corrupted.logitDiff)} corrupted; P(${pieceText(answers.correct.token)}) ${fixed3(clean.prob)} and ${fixed3(corrupted.prob)}.\n` +
    `${note}${direction} ${map.title}: ${map.legend}\n\n` +
    columns(
      map.values.map((row, layer) => [layer, ...row.map(fixed3)]),
      header,
    ) +
    strongest(scores)
  );
}

/** The ten largest effects of the whole sweep, wherever they are. */
function strongest(scores: Scores): string {
  const { shape } = scores.facts;
  const metric = scores.degenerate ? "logitDiff" : "effect";
  const cells = indexesOf(shape).flatMap((index) => {
    const value = scores.at(metric, ...index);
    return value === null ? [] : [{ index, value }];
  });
  cells.sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const rows = cells.slice(0, 10).map(({ index, value }) => [...placeColumns(scores, index), fixed3(value)]);
  return `\nlargest of ${cells.length}:\n${columns(rows, ["where", "token", metric])}`;
}

/** `L5H3` and the token, of an index of the table. */
export function placeColumns({ facts: { axes, tokens } }: Scores, index: readonly number[]): [string, string] {
  return [
    `L${index[0]}${axes[1] === "head" ? `H${index[1]}` : ""}`,
    axes.at(-1) === "token" ? `${index.at(-1)} ${tokens[index.at(-1)!]}` : "all",
  ];
}
