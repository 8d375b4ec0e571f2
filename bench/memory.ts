import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { writeBaseCheckpoint } from "./base-checkpoint.js";
import type { MemoryFigures } from "./memory-ours.js";

// `npm run bench:memory`: peak memory at blip-vqa-base size beside the budget that was given, a process each.
//   --backends A,B  (wasm); --bits 32,16; --checkpoint FOLDER instead of random weights made for the occasion

/** Sites, and the bytes that their patches are given beside what the model and its passes take. */
const CASES = [
  ["text.cross.z", 50e6],
  ["text.cross.z", 400e6],
  ["vision.self.z", 900e6],
] as const;

const SCRIPT = fileURLToPath(new URL("memory-ours.ts", import.meta.url));
const { values } = parseArgs({
  options: {
    backends: { type: "string", default: "wasm" },
    bits: { type: "string", default: "32" },
    checkpoint: { type: "string" },
  },
});

const scratch = await mkdtemp(join(tmpdir(), "notice-base-"));
try {
  if (!values.checkpoint) await writeBaseCheckpoint(scratch);
  const rows = [];
  for (const backend of values.backends.split(","))
    for (const bits of values.bits.split(","))
      for (const [site, left] of CASES)
        rows.push(await measure(values.checkpoint ?? scratch, { backend, bits, site, left }));
  console.table(rows);
} finally {
  await rm(scratch, { recursive: true, force: true });
}

interface Case {
  readonly backend: string;
  readonly bits: string;
  readonly site: string;
  readonly left: number;
}

async function measure(folder: string, { backend, bits, site, left }: Case) {
  const options = ["--backend", backend, "--bits", bits, "--site", site, "--left", String(left)];
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", SCRIPT, folder, ...options]);
  const { budget, weights, loaded, passes, sweep, batches } = JSON.parse(stdout) as MemoryFigures;
  return {
    backend,
    bits,
    site,
    batches,
    "weights MB": megabytes(weights),
    "loaded MB": megabytes(loaded),
    "budget MB": megabytes(budget),
    "two passes MB": megabytes(passes),
    "sweep MB": megabytes(sweep),
    "of the budget": (sweep / budget).toFixed(2),
  };
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}
