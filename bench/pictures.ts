// What the costliest pictures cost, each decoded in a process of its own: tsx bench/pictures.ts [part of a name]
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { NoticeError } from "../src/base/errors.js";
import { decodePicture } from "../src/pictures/decode.js";
import { worst } from "./worst-pictures.js";

const SECONDS = 2;
const MEGABYTES = 500;

if (process.argv[2] === "--decode") await decode(process.argv[3]!);
else measure(process.argv[2] ?? "");

/** Prints seconds of computing, megabytes that the peak grew by, and the outcome. */
async function decode(file: string): Promise<void> {
  const before = process.memoryUsage.rss();
  const bytes = readFileSync(file);
  const start = performance.now();
  const started = process.cpuUsage();
  const outcome = await decodePicture(bytes, "it").then(
    ({ width, height }) => `decoded, ${width} x ${height}`,
    (error) => (error instanceof NoticeError ? error.message : `FAULT ${error}`),
  );
  const { user, system } = process.cpuUsage(started);
  // Not resourceUsage(): its peak is that of the parent too.
  const [, peak] = /VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))!;
  const grown = Number(peak) * 1024 - before;
  console.log(JSON.stringify([(user + system) / 1e6, (performance.now() - start) / 1000, grown / 1e6, outcome]));
}

function measure(part: string): void {
  const folder = mkdtempSync(join(tmpdir(), "pictures-"));
  try {
    console.log(`computing s (limit ${SECONDS})   waiting s   peak MB (limit ${MEGABYTES})   file MB   picture`);
    for (const [name, make] of Object.entries(worst)) {
      if (!name.includes(part)) continue;
      const file = join(folder, "picture");
      const bytes = make();
      writeFileSync(file, bytes);
      const child = [...process.execArgv, fileURLToPath(import.meta.url), "--decode", file];
      const { stdout, stderr } = spawnSync(process.execPath, child, { encoding: "utf8", timeout: 120_000 });
      const size = (bytes.length / 1e6).toFixed(1).padStart(6);
      const [cpu, wall, grown, outcome] = stdout
        ? JSON.parse(stdout)
        : [Number.NaN, Number.NaN, Number.NaN, stderr.slice(-300)];
      const over = cpu > SECONDS || !(grown <= MEGABYTES) ? "  OVER" : "";
      console.log(
        `${cpu.toFixed(2).padStart(6)} ${wall.toFixed(2).padStart(6)} ${grown.toFixed(0).padStart(5)} ${size}   ${name}: ${outcome.slice(0, 150)}${over}`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
