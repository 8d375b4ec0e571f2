import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { BASE_QUESTION, writeBaseCheckpoint } from "./base-checkpoint.js";

// `npm run bench:forward`: load time, memory, and one pass of the towers at blip-vqa-base size, beside PyTorch's.

/** Milliseconds (medians), and bytes. */
export interface ForwardFigures {
  readonly name: string;
  readonly load: number;
  readonly peakRss: number;
  readonly vision: number;
  readonly text: number;
}

const run = promisify(execFile);
const here = fileURLToPath(new URL(".", import.meta.url));
const python = join(here, "peers", ".venv", "bin", "python");

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "notice-base-"));
  try {
    await writeBaseCheckpoint(folder);
    const checkpoint = (await stat(join(folder, "model.safetensors"))).size;
    console.log(
      `blip-vqa-base shape, random weights: ${megabytes(checkpoint)} MB; question "${BASE_QUESTION}"; ${cpus().length} cores`,
    );
    // A process each, so that each one's peak is its own.
    const rows = [await figures(process.execPath, ["--import", "tsx", join(here, "forward-ours.ts"), folder])];
    if (existsSync(python)) rows.push(await figures(python, [join(here, "peers", "forward.py"), folder]));
    else console.log("PyTorch: not installed; `npm run bench:peers` makes its environment");
    console.table(
      rows.map(({ name, load, peakRss, vision, text }) => ({
        "": name,
        "load s": (load / 1e3).toFixed(2),
        "peak RSS MB": megabytes(peakRss),
        "RSS over checkpoint MB": megabytes(peakRss - checkpoint),
        "vision s": (vision / 1e3).toFixed(2),
        "text + decoder s": (text / 1e3).toFixed(3),
      })),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function figures(command: string, args: string[]): Promise<ForwardFigures> {
  const { stdout } = await run(command, args, { maxBuffer: 1 << 24 });
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as ForwardFigures;
}

const megabytes = (bytes: number) => Math.round(bytes / 1e6);

await main();
