import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

// What importing costs, in fresh processes: each entry of the built package beside TensorFlow.js alone, in turns, so that both
// see the same machine. `npm run bench:import`; prints milliseconds, medians over pairs.

const PAIRS = 9;
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PEER = "@tensorflow/tfjs-core";
const ENTRIES = ["vlm-notice", "vlm-notice/display", "vlm-notice/figures", "vlm-notice/pool", "vlm-notice/study"];

function importing(name: string): number {
  const code = `const t = performance.now(); await import("${name}"); console.log(performance.now() - t)`;
  return Number(execFileSync(process.execPath, ["--input-type=module", "-e", code], { cwd: ROOT }));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

for (const name of ENTRIES) {
  importing(name); // files come into the system's cache
  const pairs = Array.from({ length: PAIRS }, () => [importing(PEER), importing(name)] as const);
  const [peer, own] = [median(pairs.map(([peer]) => peer)), median(pairs.map(([, own]) => own))];
  const more = median(pairs.map(([peer, own]) => own - peer));
  console.log(`${name.padEnd(20)} ${own.toFixed()} ms, ${PEER} ${peer.toFixed()} ms: ${more.toFixed()} ms beyond it`);
}
