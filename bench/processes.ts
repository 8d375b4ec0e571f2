import { execFile, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Backend } from "../src/platform/backend.js";

// What the benches of sweeps share: each side runs in a process of its own, and prints its figures.

/** What a script of bench/peers prints. */
export interface PeerFigures {
  readonly name: string;
  readonly secondsPerPatch: number;
  readonly patchesTimed: number;
  readonly note: string;
  /** Of the logit difference by each patch timed, as `SweepFigures.changes` in its order. */
  readonly changes: readonly number[];
}

export interface Peer {
  readonly script: string;
  readonly cores: number;
  readonly figures?: PeerFigures;
  /** Why there are no figures. */
  readonly missing?: string;
}

/** Changes of the logit difference may be so far apart: a share of the largest, but no less than float32's rounding of logits. */
const ROUNDING = { share: 1e-3, least: 1e-5 };
const run = promisify(execFile);
export const here = fileURLToPath(new URL(".", import.meta.url));
const canPin = spawnSync("taskset", ["--version"]).status === 0;

/** A folder for as long as `work` lasts. */
export async function withScratch<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), "notice-base-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** In a process of its own, since TensorFlow.js holds one backend of each kind. */
export async function whyNot(backend: Backend): Promise<string | undefined> {
  const code = `import { tryBackend } from ${JSON.stringify(new URL("../src/platform/backend.ts", import.meta.url).href)};
    console.log(JSON.stringify((await tryBackend(${JSON.stringify(backend)})) ?? null));`;
  const args = ["--import", "tsx", "--input-type=module", "--eval", code];
  return (await figures<string | null>(process.execPath, args)) ?? undefined;
}

/** @param more arguments of the script. */
export async function measurePeer(
  script: string,
  folders: readonly string[],
  cores: number,
  more: readonly string[] = [],
  environment = ".venv",
): Promise<Peer> {
  const python = join(here, "peers", environment, "bin", "python");
  const install = "`npm run bench:peers` makes its environment";
  if (!existsSync(python)) return { script, cores, missing: `not installed: ${install}` };
  const args = ["-W", "ignore", join(here, "peers", `${script}.py`), ...folders, "--threads", String(cores)];
  try {
    const found = await figures<PeerFigures>(python, [...args, ...more], cores === 1 ? 0 : undefined);
    console.log(`${found.name}, ${counted(cores)}: ${found.secondsPerPatch.toFixed(3)} s a patch (${found.note})`);
    return { script, cores, figures: found };
  } catch (error) {
    const last = (error as { stderr?: string }).stderr?.trim().split("\n").at(-1);
    return { script, cores, missing: `${last ?? reason(error)} (${install})` };
  }
}

/** Equal changes by the same patches of the same pair: else one does not do the work that is timed. */
export function checkChanges(
  backend: Backend,
  ours: readonly number[],
  peers: readonly Peer[],
  { share, least } = ROUNDING,
): void {
  for (const { figures: found } of peers) {
    if (!found) continue;
    const apart = Math.max(...found.changes.map((change, patch) => Math.abs(change - ours[patch]!)));
    const largest = Math.max(...found.changes.map(Math.abs));
    const compared = `${found.changes.length} patches, ${apart.toExponential(1)} apart, the largest ${largest.toExponential(1)}`;
    console.log(`${backend} beside ${found.name}: ${compared}`);
    const allowed = Math.max(share * largest, least);
    if (!(apart <= allowed && allowed <= largest / 20))
      throw new Error(`${backend} and ${found.name} do not change the logit difference alike (${compared}).`);
  }
}

/** The last line that a process prints, as JSON. On one core only where `core` names it, by taskset and by environment. */
export async function figures<Figures>(command: string, args: string[], core?: number): Promise<Figures> {
  const pinned = core !== undefined && canPin ? ["taskset", "-c", String(core), command, ...args] : [command, ...args];
  const one = { TF_NUM_INTRAOP_THREADS: "1", TF_NUM_INTEROP_THREADS: "1", OMP_NUM_THREADS: "1" };
  const env = { ...process.env, ...(core === undefined ? {} : one) };
  const { stdout } = await run(pinned[0]!, pinned.slice(1), { env, maxBuffer: 1 << 24 });
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as Figures;
}

export const counted = (cores: number) => (cores === 1 ? "one core" : `${cores} cores`);
const reason = (error: unknown) => (error instanceof Error ? error.message : String(error)).split("\n")[0]!;
