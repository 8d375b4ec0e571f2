import { NoticeError } from "../base/errors.js";
import type { Progress } from "./progress.js";
import { say } from "./streams.js";

/** What became of the lines of a list. */
export class Tally {
  done = 0;
  refused = 0;
  died = 0;

  constructor(
    readonly file: string,
    private readonly bar: Progress,
  ) {}

  add(): void {
    this.done++;
    this.#update();
  }

  leaveOut(index: number, error: NoticeError): void {
    if (error.code !== "worker") this.refused++;
    else this.died++;
    say(`${this.file} line ${index + 1}: ${error.message}`);
    this.#update();
  }

  #update(): void {
    this.bar.update(this.done + this.refused + this.died);
  }
}

/**
 * Ends a command that had to leave lines out.
 *
 * @param done what was done with the others.
 * @throws NoticeError `options` where lines were refused, Error where a pair killed two processes.
 */
export function throwIfLeftOut(done: string, ...tallies: readonly Tally[]): void {
  const sum = (count: (tally: Tally) => number) => tallies.reduce((total, tally) => total + count(tally), 0);
  const [refused, died] = [sum((tally) => tally.refused), sum((tally) => tally.died)];
  const files = [...new Set(tallies.map(({ file }) => file))].join(" and ");
  const left = `${done}; ${refused + died} of ${files} are left out, each named above.`;
  if (died > 0) throw new Error(left);
  if (refused > 0) throw new NoticeError("options", left);
}

/** `3 pairs` */
export const countPairs = (count: number) => `${count} pair${count === 1 ? "" : "s"}`;
