import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeBaseCheckpoint } from "./base-checkpoint.js";
import { writeSmolVlm } from "./decoder-checkpoint.js";
import type { LoadingFigures } from "./loading-ours.js";
import type { MemoryFigures } from "./memory-ours.js";
import { figures, here, withScratch } from "./processes.js";

// `npm run bench:memory`: peak memory of loading at the shapes of blip-vqa-base and SmolVLM-256M, beside their weights;
// then of sweeps at blip-vqa-base size, beside the budget that was given. A process each.
//   --backends A,B  (wasm); --bits 32,16; --checkpoint FOLDER instead of random weights made for the occasion

/** Sites, and the bytes that their patches are given beside what the model and its passes take. */
const CASES = [
  ["text.cross.z", 50e6],
  ["text.cross.z", 400e6],
  ["vision.self.z", 900e6],
] as const;

const { values } = parseArgs({
  options: {
    backends: { type: "string", default: "wasm" },
    bits: { type: "string", default: "32" },
    checkpoint: { type: "string" },
  },
});

await withScratch(async (scratch) => {
  const [base, smolvlm] = [values.checkpoint ?? join(scratch, "base"), join(scratch, "smolvlm")];
  if (!values.checkpoint) await writeBaseCheckpoint(base);
  await writeSmolVlm(smolvlm, "whole");
  const loads = [];
  const rows = [];
  for (const backend of values.backends.split(","))
    for (const bits of values.bits.split(",")) {
      for (const [shape, folder] of Object.entries({ "blip-vqa-base": base, "SmolVLM-256M": smolvlm }))
        loads.push({ shape, backend, bits, ...(await loading(folder, backend, bits)) });
      for (const [site, left] of CASES) rows.push(await measure(base, { backend, bits, site, left }));
    }
  console.table(loads);
  console.table(rows);
});

interface Case {
  readonly backend: string;
  readonly bits: string;
  readonly site: string;
  readonly left: number;
}

function inProcess<Figures>(script: string, ...args: string[]): Promise<Figures> {
  return figures<Figures>(process.execPath, ["--import", "tsx", join(here, script), ...args]);
}

async function loading(folder: string, backend: string, bits: string) {
  const { weights, peak } = await inProcess<LoadingFigures>("loading-ours.ts", folder, backend, bits);
  return {
    "weights MB": megabytes(weights),
    "peak of loading MB": megabytes(peak),
    "of the weights": (peak / weights).toFixed(2),
  };
}

async function measure(folder: string, { backend, bits, site, left }: Case) {
  const options = ["--backend", backend, "--bits", bits, "--site", site, "--left", String(left)];
  const { budget, passes, sweep, batches } = await inProcess<MemoryFigures>("memory-ours.ts", folder, ...options);
  return {
    backend,
    bits,
    site,
    batches,
    "budget MB": megabytes(budget),
    "two passes MB": megabytes(passes),
    "sweep MB": megabytes(sweep),
    "of the budget": (sweep / budget).toFixed(2),
  };
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}
