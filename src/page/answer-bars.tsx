import type { VNode } from "preact";
import { percent } from "./number.js";

/** An answer and how probable it is. */
export interface AnswerBar {
  readonly text: string;
  readonly prob: number;
  /** Before something was changed. */
  readonly before?: number | undefined;
}

/** What `AnswerBars` shows. */
export interface AnswerBarsProps {
  readonly caption: string;
  readonly answers: readonly AnswerBar[];
}

/** With what all answers that are not shown have together. */
export function withRest(answers: readonly AnswerBar[]): AnswerBar[] {
  const rest = (of: (one: AnswerBar) => number) => Math.max(0, 1 - answers.reduce((sum, one) => sum + of(one), 0));
  const known = answers.every(({ before }) => before !== undefined);
  const before = known ? { before: rest((one) => one.before!) } : {};
  return [...answers, { text: "all others", prob: rest(({ prob }) => prob), ...before }];
}

const WIDTH = 120;

/** Answers with bars, and a tick where each stood before. */
export function AnswerBars({ caption, answers }: AnswerBarsProps): VNode {
  return (
    <table class="answers">
      <caption>{caption}</caption>
      <tbody>
        {answers.map(({ text, prob, before }) => (
          <tr>
            <th scope="row">{text}</th>
            <td>
              <svg width={WIDTH} height={16} aria-hidden="true">
                <rect class="track" width={WIDTH} height={16} fill="#e4e4e4" />
                <rect class="bar" width={WIDTH * prob} height={16} fill="#2166ac" />
                {before !== undefined && (
                  <rect class="before" x={WIDTH * before - 1} width={2} height={16} fill="#1a1a1a" />
                )}
              </svg>
            </td>
            <td>
              {percent(prob, 1)}
              {before !== undefined && <span class="faint"> was {percent(before, 1)}</span>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
