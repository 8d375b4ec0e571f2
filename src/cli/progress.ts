import { SingleBar } from "cli-progress";
import { formatBytes } from "../base/bytes.js";
import { printable } from "../base/inspect.js";

/** A bar in work. `done` counts what is done so far, not what was added; `stop` takes the bar off the screen. */
export interface Progress {
  update(done: number, note?: string): void;
  stop(): void;
}

/**
 * A progress bar on stderr with rate and time left, and nothing at all unless stderr is a terminal.
 * `unit` "bytes" prints sizes; any other word is printed behind the count ("patches").
 * The rate is the average since the first update, so that earlier work (a download that is continued) does not count.
 */
export function progress(total: number, label: string, unit = ""): Progress {
  if (!process.stderr.isTTY) return { update() {}, stop() {} };
  const amount = (value: number) => (unit === "bytes" ? formatBytes(value) : `${rounded(value)}`);
  const bar = new SingleBar({
    stream: process.stderr,
    format: `${label} {bar} {percentage}% {amount} {speed} {note}`,
    formatBar: (done) => `[${"=".repeat(Math.round(done * 24)).padEnd(24, ".")}]`,
    clearOnComplete: true,
  });
  const blank = { amount: "", speed: "", note: "" };
  let first: { done: number; at: number } | undefined;
  bar.start(total, 0, blank);
  return {
    update(done, note = "") {
      const now = performance.now();
      first ??= { done, at: now };
      const elapsed = now - first.at;
      const rate = elapsed < SETTLED_MS ? 0 : ((done - first.done) / elapsed) * 1000;
      bar.update(done, {
        amount: `${amount(done)}/${amount(total)}${unit && unit !== "bytes" ? ` ${unit}` : ""}`,
        speed: rate > 0 ? `${amount(rate)}/s, ${clock((total - done) / rate)} left` : "",
        note: printable(note),
      });
    },
    stop: () => bar.stop(),
  };
}

/** Before this a rate is noise. */
const SETTLED_MS = 200;

/** `1:02:03`, or `2:03` under an hour. */
export function clock(seconds: number): string {
  const whole = Math.ceil(Math.max(0, seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const padded = (n: number) => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${padded(m)}:${padded(s)}` : `${m}:${padded(s)}`;
}

function rounded(value: number): number {
  return value >= 100 ? Math.round(value) : Number(value.toPrecision(2));
}
