import { mean, meanOrNull } from "../base/mean.js";
import type { TokenScore } from "../study/queries/scores.js";
import type { TokenMap } from "./report-data.js";

const OTHER = "other words";

/** Samples differ in words and order; a token that stands in at least this share of them is a role of its own. */
const COMMON = 0.5;

/**
 * Mean scores by layer and the part that a token plays in the question: `correct answer`, `incorrect answer`, a word
 * that most questions have, or any other. Roles are in the order of their mean position.
 */
export function roleMeans(scores: readonly TokenScore[]): Pick<TokenMap, "samples" | "degenerate" | "roles" | "means"> {
  const questions = new Map(scores.map((one) => [one.sample, one]));
  const degenerate = new Set(scores.filter(({ score }) => score === null).map(({ sample }) => sample));
  const common = commonTokens([...questions.values()]);
  const positions = new Map<string, number[]>();
  const cells = new Map<string, number[]>();
  let layers = 0;
  for (const one of scores) {
    layers = Math.max(layers, one.layer + 1);
    if (one.score === null || degenerate.has(one.sample)) continue;
    const role = roleOf(one, common);
    push(positions, role, one.position);
    push(cells, `${one.layer} ${role}`, one.score);
  }
  const roles = [...positions].sort(([, a], [, b]) => mean(a) - mean(b)).map(([role]) => role);
  const means = Array.from({ length: layers }, (_, layer) =>
    roles.map((role) => meanOrNull(cells.get(`${layer} ${role}`) ?? [])),
  );
  return { samples: questions.size - degenerate.size, degenerate: degenerate.size, roles, means };
}

function commonTokens(questions: readonly TokenScore[]): ReadonlySet<string> {
  const counts = new Map<string, number>();
  for (const { tokens } of questions)
    for (const token of new Set(tokens)) counts.set(token, (counts.get(token) ?? 0) + 1);
  return new Set([...counts].filter(([, count]) => count >= COMMON * questions.length).map(([token]) => token));
}

function roleOf({ position, tokens, answer_token, incorrect_token }: TokenScore, common: ReadonlySet<string>): string {
  if (position === answer_token) return "correct answer";
  if (position === incorrect_token) return "incorrect answer";
  const token = tokens[position]!;
  return common.has(token) ? token : OTHER;
}

function push(lists: Map<string, number[]>, key: string, value: number): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}
