import * as tf from "@tensorflow/tfjs-core";
import { isRecord } from "../base/errors.js";
import { printable } from "../base/inspect.js";
import type { HeadMap } from "../page/map.js";
import type { PairInput } from "../patching/inputs.js";
import { answerName } from "../patching/metrics.js";
import { Pair } from "../patching/pair.js";
import { Scores } from "../patching/scores.js";
import { encodePng, type Picture } from "../pictures/picture.js";
import { headMapPng, headMapSvg } from "../report/heatmap.js";
import { scaleTo } from "../report/overlay.js";
import { type ScoreMapOptions, scoreMap } from "../report/score-map.js";
import { pictureText } from "./blocks.js";
import { gridText } from "./grid.js";
import { type Look, lookView } from "./look.js";
import { tensorText } from "./tensor.js";
import type { Terminal } from "./terminal.js";
import type { View } from "./view.js";

/** What can be looked at. A pair's input is shown where its picture is given as pixels. */
export type Showable = Scores | Look | Picture | Pair | PairInput | tf.Tensor;

/** How a value is looked at; undefined where it is none of what can be. */
export function viewOf(value: unknown, options: ScoreMapOptions = {}): View | undefined {
  if (value instanceof Scores) return scoresView(value, options);
  if (value instanceof tf.Tensor) return { text: () => tensorText(value), caption: "a tensor" };
  if (value instanceof Pair) return { text: () => pairText(value), caption: "a pair" };
  if (isPicture(value)) return pictureView([value], `${value.width} x ${value.height} pixels`);
  if (isLook(value)) return lookView(value);
  const pictures = picturesOf(value);
  return pictures && pictureView(pictures, inputLine(value as PairInput));
}

/** A pair's question, alternatives and corruption in one line. */
export function inputLine({ question, answers, corruptQuestion }: PairInput): string {
  const instead = corruptQuestion === undefined ? "" : `; corrupted: ${corruptQuestion}`;
  const alternatives = answers ? `${answers[0]}, not ${answers[1]}` : "";
  return printable(`${[question ?? "", alternatives].filter(Boolean).join(" ")}${instead}`);
}

function scoresView(scores: Scores, options: ScoreMapOptions): View {
  const { tokens, answers, clean, corrupted } = scores.facts;
  const answer = tokens.indexOf(answers.correct.token);
  const map = scoreMap(scores, { ...(answer >= 0 ? { token: answer } : {}), ...options });
  const readings =
    `${answerName(answers.correct)} or ${answerName(answers.incorrect)}: logit difference ${clean.logitDiff.toFixed(2)} clean, ` +
    `${corrupted.logitDiff.toFixed(2)} corrupted`;
  const heading = `${printable(`${scores.facts.direction} ${map.title}`)}\n${printable(readings)}`;
  return {
    text: (terminal) => `${heading}\n\n${gridText(map, terminal)}${otherTokens(scores)}`,
    png: () => headMapPng(map),
    svg: () => headMapSvg(map),
    caption: `${captionOf(map)} ${readings}.`,
  };
}

/** A map of heads is of one token: which others there are, and how to see theirs. */
function otherTokens({ facts: { axes, tokens } }: Scores): string {
  if (axes.at(-1) !== "token" || axes[1] === "token" || tokens.length < 2) return "";
  const named = tokens.slice(0, MOST_TOKENS).map((token, i) => `${i} ${token}`);
  const more = tokens.length > MOST_TOKENS ? `, … ${tokens.length - 1}` : "";
  return printable(`tokens: ${named.join(", ")}${more}`)
    .replace(/^/, "\n")
    .concat("\nanother: show(scores, { token: 0 })");
}

/** As many as a question has; those of a picture are known by their numbers. */
const MOST_TOKENS = 24;

function captionOf({ title, legend }: HeadMap): string {
  return `${title}: ${legend}.`;
}

/** Pictures smaller than this on their longer side are enlarged for notebooks. */
const LEAST_SIDE = 192;
const GAP = 2;

/** One picture, or several beside each other. */
function pictureView(pictures: readonly Picture[], caption: string): View {
  const side = ({ columns }: Terminal) => Math.min(48, Math.floor((columns - 1 + GAP) / pictures.length) - GAP);
  return {
    text: (terminal) => {
      const columns = pictures.map((picture) => pictureText(picture, terminal, side(terminal)).split("\n"));
      const lines = columns[0]!.map((_, i) => columns.map((lines) => lines[i] ?? "").join(" ".repeat(GAP)));
      return `${lines.join("\n")}\n${caption}`;
    },
    png: async () => encodePng(beside(pictures.map(enlarged))),
    caption,
  };
}

function enlarged(picture: Picture): Picture {
  return Math.max(picture.width, picture.height) < LEAST_SIDE ? scaleTo(picture, LEAST_SIDE) : picture;
}

/** On white, their tops in line, a gap between them. */
function beside(pictures: readonly Picture[]): Picture {
  if (pictures.length === 1) return pictures[0]!;
  const gap = 8;
  const height = Math.max(...pictures.map((picture) => picture.height));
  const width = pictures.reduce((sum, picture) => sum + picture.width + gap, -gap);
  const data = new Uint8Array(3 * width * height).fill(255);
  let left = 0;
  for (const picture of pictures) {
    for (let y = 0; y < picture.height; y++)
      data.set(picture.data.subarray(3 * y * picture.width, 3 * (y + 1) * picture.width), 3 * (y * width + left));
    left += picture.width + gap;
  }
  return { width, height, data };
}

function pairText({ question, answers, mode, readings }: Pair): string {
  const reading = ({ logitDiff, prob }: (typeof readings)["clean"]) =>
    `logit difference ${logitDiff.toFixed(2)}, P(${answers.correct.text}) ${prob.toFixed(3)}`;
  return printable(
    `${question.text} ${answerName(answers.correct)}, not ${answerName(answers.incorrect)}; the ${mode} is corrupted`,
  ).concat(
    `\n  clean      ${printable(reading(readings.clean))}\n  corrupted  ${printable(reading(readings.corrupted))}`,
  );
}

function isPicture(value: unknown): value is Picture {
  if (!isRecord(value) || !(value.data instanceof Uint8Array)) return false;
  return value.data.length > 0 && value.data.length === 3 * Number(value.width) * Number(value.height);
}

function isLook(value: unknown): value is Look {
  return isRecord(value) && isPicture(value.picture) && Array.isArray(value.grid) && typeof value.title === "string";
}

/** The pictures of a pair's input that are given as pixels; undefined where there are none, or it is no such input. */
function picturesOf(value: unknown): Picture[] | undefined {
  if (!isRecord(value) || typeof value.question !== "string" || !Array.isArray(value.answers)) return undefined;
  const pictures = [value.image, value.corruptImage].filter(isPicture);
  return pictures.length > 0 ? pictures : undefined;
}
