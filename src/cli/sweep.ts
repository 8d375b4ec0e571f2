import { Command, InvalidArgumentError, Option } from "commander";
import type { PairInput } from "../blip.js";
import { NoticeError } from "../errors.js";
import { writeWhole } from "../files/write.js";
import type { Position } from "../patching/positions.js";
import type { Scores } from "../patching/scores.js";
import { parseSite } from "../patching/sites.js";
import {
  checkOutputs,
  columns,
  indices,
  type JsonOptions,
  loadModel,
  printResult,
  wholeNumber,
  withBackend,
  withJson,
} from "./options.js";
import { progress } from "./progress.js";
import type { PairsOptions } from "./sweep-pairs.js";

interface SweepCommandOptions extends PairsOptions, JsonOptions {
  readonly site: string;
  readonly image?: string;
  readonly corruptImage?: string;
  readonly question?: string;
  readonly corruptQuestion?: string;
  readonly answers?: [string, string];
  readonly png?: string;
}

/** `notice sweep MODEL`: patches every head of a site, one at a time, and prints what each restores. */
export function sweepCommand(): Command {
  const command = new Command("sweep")
    .description(
      "patch every head (or row) at every layer and token, one at a time, and score what comes back of the answer",
    )
    .argument("<model>", "checkpoint folder, or hub id such as Salesforce/blip-vqa-base")
    .option("--image <file>", "the clean picture, PNG or JPEG")
    .option("--corrupt-image <file>", "a picture that differs in what is asked (semantic image pair)")
    .option("--question <text>", "the clean question")
    .option(
      "--corrupt-question <text>",
      "a question of as many tokens with other answers (symmetric token replacement)",
    )
    .option("--answers <correct,incorrect>", "the two alternatives", alternatives)
    .option("--site <site>", "what is patched: tower.sub.what", "text.cross.z")
    .option("--layers <list>", "such as 0,2-4; default: all", indices)
    .option("--heads <list>", "such as 0,2-4; default: all", indices)
    .option(
      "--position <where>",
      "all, answer, answer-1, a word of the question, or indices such as 3 or 3,5",
      position,
      "all",
    )
    .option("--together", "patch all positions at once instead of one by one")
    .addOption(
      new Option("--direction <direction>", "clean values into the corrupted pass, or the reverse")
        .choices(["denoise", "noise"])
        .default("denoise"),
    )
    .option("--png <file>", "draw the layer x head map")
    .addOption(
      new Option(
        "--pairs <file>",
        "instead of one pair: a JSONL list, as `notice scenes` writes its pairs.jsonl",
      ).conflicts(["image", "corruptImage", "question", "corruptQuestion", "answers", "json", "png"]),
    )
    .option("--out <file>", "with --pairs: the results as JSONL, a line a pair with its index in the list")
    .addOption(
      new Option("--mode <mode>", "with --pairs: which corruption of a pair; default: image").choices([
        "image",
        "text",
      ]),
    )
    .option("--workers <number>", "with --pairs: processes; default: as many as cores, if memory allows", wholeNumber)
    .addHelpText(
      "after",
      "\nOf a list, lines that are no pair are named and left out. Exit code 0: all done; 2: some input was refused.",
    );
  return withJson(withBackend(command)).action(runSweep);
}

async function runSweep(model: string, options: SweepCommandOptions): Promise<void> {
  const { site } = parseSite(options.site);
  if (options.pairs !== undefined) {
    const { runPairs } = await import("./sweep-pairs.js");
    return runPairs(model, site, options.pairs, options);
  }
  const input = pairInput(options);
  await checkOutputs({ "--json": options.json, "--png": options.png });
  const { sweep } = await import("../patching/sweep.js");
  using blip = await loadModel(model, options);
  using pair = await blip.pair(input);
  let bar: ReturnType<typeof progress> | undefined;
  const onProgress = (done: number, total: number) => {
    bar ??= progress(total, "sweep", "patches");
    bar.update(done);
  };
  const { layers, heads, position, together, direction } = options;
  let scores: Scores;
  try {
    scores = await sweep(pair, { site, layers, heads, position, together, direction, onProgress });
  } finally {
    bar?.stop();
  }
  const { scoreMap } = await import("../report/score-map.js");
  const map = scoreMap(scores, { token: pair.answerToken });
  if (options.png !== undefined) {
    const { headMapPng } = await import("../report/heatmap.js");
    await writeWhole(options.png, await headMapPng(map));
  }
  await printResult(scores, () => sweepTable(scores, map), options);
}

/** A whole pair, of which exactly one modality is corrupted; refused before the model is loaded. */
function pairInput(options: SweepCommandOptions): PairInput {
  const { image, corruptImage, question, corruptQuestion, answers } = options;
  if (options.out !== undefined || options.mode !== undefined || options.workers !== undefined)
    throw new NoticeError("options", "--out, --mode and --workers go with --pairs.");
  if (image === undefined || question === undefined || answers === undefined)
    throw new NoticeError("options", "Give --image, --question and --answers, or a list of --pairs.");
  const sample = { image, question, answers };
  if (corruptImage !== undefined && corruptQuestion === undefined) return { ...sample, corruptImage };
  if (corruptQuestion !== undefined && corruptImage === undefined) return { ...sample, corruptQuestion };
  throw new NoticeError("options", "Give exactly one of --corrupt-image and --corrupt-question.");
}

function sweepTable(
  scores: Scores,
  map: { values: readonly (readonly (number | null)[])[]; title: string; legend: string },
): string {
  const { clean, corrupted, answers, direction } = scores.facts;
  const fixed = (value: number | null) => (value === null ? "-" : value.toFixed(3));
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
    `${answers.correct.text} or ${answers.incorrect.text}: logit difference ${fixed(clean.logitDiff)} clean, ` +
    `${fixed(corrupted.logitDiff)} corrupted; P(${answers.correct.token}) ${fixed(clean.prob)} and ${fixed(corrupted.prob)}.\n` +
    `${note}${direction} ${map.title}: ${map.legend}\n\n` +
    columns(
      map.values.map((row, layer) => [layer, ...row.map(fixed)]),
      header,
    ) +
    strongest(scores)
  );
}

/** The ten largest effects of the whole sweep, wherever they are. */
function strongest(scores: Scores): string {
  const { axes, shape, tokens } = scores.facts;
  const metric = scores.degenerate ? "logitDiff" : "effect";
  const cells = indexesOf(shape).flatMap((index) => {
    const value = scores.at(metric, ...index);
    return value === null ? [] : [{ index, value }];
  });
  cells.sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const rows = cells
    .slice(0, 10)
    .map(({ index, value }) => [
      `L${index[0]}${axes[1] === "head" ? `H${index[1]}` : ""}`,
      axes.at(-1) === "token" ? `${index.at(-1)} ${tokens[index.at(-1)!]}` : "all",
      value.toFixed(3),
    ]);
  return `\nlargest of ${cells.length}:\n${columns(rows, ["where", "token", metric])}`;
}

function indexesOf([size, ...rest]: readonly number[]): number[][] {
  if (size === undefined) return [[]];
  const inner = indexesOf(rest);
  return Array.from({ length: size }, (_, i) => inner.map((tail) => [i, ...tail])).flat();
}

function alternatives(text: string): [string, string] {
  const [correct, incorrect, ...more] = text.split(",").map((answer) => answer.trim());
  if (!correct || !incorrect || more.length > 0)
    throw new InvalidArgumentError("Two answers with a comma between them were expected: correct,incorrect.");
  return [correct, incorrect];
}

function position(text: string): Position {
  return /^\d[\d,-]*$/.test(text) ? indices(text) : text;
}
