import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { median } from "./median.js";

// What starting costs, in fresh processes: each entry of the built package beside TensorFlow.js alone, in turns, so
// that both see the same machine; and two commands. `npm run bench:import`; prints milliseconds, medians.

const PAIRS = 9;
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PEER = "@tensorflow/tfjs-core";
const ENTRIES = ["vlm-notice", "vlm-notice/display", "vlm-notice/figures", "vlm-notice/pool", "vlm-notice/study"];

/** Commands, and the milliseconds that they may take. */
const COMMANDS: readonly (readonly [number, ...string[]])[] = [
  [150, "--version"],
  [1200, "ask", "weights/scenes", "--image", "examples/star-red.png", "--question", "is this star red or blue?"],
];

function importing(name: string): number {
  const code = `const t = performance.now(); await import("${name}"); console.log(performance.now() - t)`;
  return Number(execFileSync(process.execPath, ["--input-type=module", "-e", code], { cwd: ROOT }));
}

function running(args: readonly string[]): number {
  const since = performance.now();
  execFileSync(process.execPath, ["dist/cli/main.js", ...args], { cwd: ROOT });
  return performance.now() - since;
}

for (const name of ENTRIES) {
  importing(name); // files come into the system's cache
  const pairs = Array.from({ length: PAIRS }, () => [importing(PEER), importing(name)] as const);
  const [peer, own] = [median(pairs.map(([peer]) => peer)), median(pairs.map(([, own]) => own))];
  const more = median(pairs.map(([peer, own]) => own - peer));
  console.log(`${name.padEnd(20)} ${own.toFixed()} ms, ${PEER} ${peer.toFixed()} ms: ${more.toFixed()} ms beyond it`);
}

for (const [limit, ...args] of COMMANDS) {
  running(args);
  const times = Array.from({ length: PAIRS }, () => running(args));
  console.log(`notice ${args[0]} ${median(times).toFixed()} ms, of at most ${limit}`);
}
