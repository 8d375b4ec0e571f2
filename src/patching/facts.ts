import { printable } from "../base/inspect.js";
import { type Network, towersOf } from "../model/architecture.js";
import { indexesOf } from "./agreement.js";
import { answerName } from "./answers.js";
import type { Pair } from "./pair.js";
import type { Run } from "./run.js";
import type { Scores } from "./scores.js";

// What `console.log` prints of what holds tensors or tables: a line of facts.

/** The model with the size of its towers. */
export function modelFacts(model: Network & { readonly name: string; readonly backend: string }): string {
  const sizes = towersOf(model).map(([tower, { size }]) => {
    const { layers, heads } = size(model.config);
    return `${tower} ${layers} x ${heads}`;
  });
  return printable(`${model.architecture.name} ${model.name}: layers x heads ${sizes.join(", ")}; on ${model.backend}`);
}

/** How many tokens passed. */
export function runFacts({ model, activations }: Pick<Run, "model" | "activations">): string {
  const counts = towersOf(model).map(([tower]) => `${tower} ${activations.streams[tower]![0]!.shape[1]}`);
  return `Run of ${model.architecture.name} over tokens: ${counts.join(", ")}`;
}

/** The question, what is corrupted, and what both passes say. */
export function pairFacts({ question, answers, mode, readings }: Pair): string {
  const asked = question.text === "" ? "Pair" : `Pair ${JSON.stringify(question.text)}`;
  const { clean, corrupted } = readings;
  return printable(
    `${asked}, ${answerName(answers.correct)} or ${answerName(answers.incorrect)}, the ${mode} corrupted: ` +
      `logit difference ${clean.logitDiff.toFixed(2)} clean, ${corrupted.logitDiff.toFixed(2)} corrupted`,
  );
}

/** What was swept, and the largest of it. */
export function scoresFacts(scores: Scores): string {
  const { site, direction, mode, axes, shape, answers, clean, corrupted, tokens } = scores.facts;
  const metric = scores.degenerate ? "logitDiff" : "effect";
  let most: { index: readonly number[]; value: number } | undefined;
  for (const index of indexesOf(shape)) {
    const value = scores.at(metric, ...index);
    if (value !== null && Math.abs(value) > Math.abs(most?.value ?? 0)) most = { index, value };
  }
  const placed = (index: readonly number[]) =>
    axes.map((axis, i) => (axis === "token" ? `token ${index[i]} (${tokens[index[i]!]})` : `${axis} ${index[i]}`));
  const largest = most ? `; largest ${metric} ${most.value.toFixed(3)} at ${placed(most.index).join(", ")}` : "";
  return printable(
    `Scores of ${site} [${shape.join(", ")}] over ${axes.join(", ")}: ${direction}, the ${mode} corrupted; ` +
      `${answerName(answers.correct)} or ${answerName(answers.incorrect)}, logit difference ` +
      `${clean.logitDiff.toFixed(2)} clean, ${corrupted.logitDiff.toFixed(2)} corrupted${largest}`,
  );
}
