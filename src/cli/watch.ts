import type { Watch } from "../study/stage.js";
import { clock, progress } from "./progress.js";
import { say } from "./streams.js";

/** How often a stage says how far it is where there is no terminal to draw a bar on. */
const LINE_MS = 10_000;

/** Progress of a study on stderr: a bar on a terminal, elsewhere a line now and then. */
export function stderrWatch(): Watch {
  return {
    begin: (stage, total) => (process.stderr.isTTY ? bar(stage, total) : lines(stage, total)),
    warn: say,
  };
}

function bar(stage: string, total: number): ReturnType<Watch["begin"]> {
  const { update, stop } = progress(total, stage, "samples");
  return { update: (done) => update(done), end: stop };
}

function lines(stage: string, total: number): ReturnType<Watch["begin"]> {
  const begun = performance.now();
  let [last, now] = [begun, 0];
  const seconds = () => (performance.now() - begun) / 1e3;
  say(total > 0 ? `${stage}: ${total} samples` : stage);
  return {
    update(done) {
      now = done;
      if (performance.now() - last < LINE_MS) return;
      last = performance.now();
      const rate = done / seconds();
      const left = total > 0 ? ` of ${total}, ${clock((total - done) / rate)} left` : "";
      say(`${stage}: ${done}${left}, ${rate.toPrecision(2)}/s`);
    },
    end: () => say(`${stage}: ${now} done in ${clock(seconds())}`),
  };
}
