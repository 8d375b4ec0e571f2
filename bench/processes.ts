import { execFile, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
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

/**
 * Changes of the logit difference may be so far apart: a share of the largest, but no less than float32's rounding of
 * logits, and no more than `most`.
 */
const ROUNDING = { share: 1e-3, least: 1e-5, most: Number.POSITIVE_INFINITY };
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
): Promise<Peer> {
  const python = pythonOf(".venv");
  if (!existsSync(python)) return { script, cores, missing: `not installed: ${INSTALL}` };
  try {
    const args = [...peerArgs(script, folders, cores), ...more];
    return told(script, cores, await figures<PeerFigures>(python, args, coreOf(cores)));
  } catch (error) {
    return { script, cores, missing: whyMissing(error) };
  }
}

/** A peer that measures again and again. */
export interface PeerSession {
  measure(): Promise<Peer>;
  close(): void;
}

/** @param way of the peers of `decoder.py`. */
export async function openDecoderPeer(way: string, folders: readonly string[], cores: number): Promise<PeerSession> {
  const python = pythonOf(".venv-decoder");
  const missing = (why: string) => ({ measure: async () => ({ script: way, cores, missing: why }), close() {} });
  if (!existsSync(python)) return missing(`not installed: ${INSTALL}`);
  try {
    const args = [...peerArgs("decoder", folders, cores), "--way", way];
    const opened = await session<PeerFigures>(python, args, coreOf(cores));
    return { measure: async () => told(way, cores, await opened.ask()), close: opened.close };
  } catch (error) {
    return missing(whyMissing(error));
  }
}

const INSTALL = "`npm run bench:peers` makes its environment";
const pythonOf = (environment: string) => join(here, "peers", environment, "bin", "python");
const coreOf = (cores: number) => (cores === 1 ? 0 : undefined);
const peerArgs = (script: string, folders: readonly string[], cores: number) => [
  "-W",
  "ignore",
  join(here, "peers", `${script}.py`),
  ...folders,
  "--threads",
  String(cores),
];

function whyMissing(error: unknown): string {
  const last = (error as { stderr?: string }).stderr?.trim().split("\n").at(-1);
  return `${last ?? reason(error)} (${INSTALL})`;
}

function told(script: string, cores: number, found: PeerFigures): Peer {
  console.log(`${found.name}, ${counted(cores)}: ${found.secondsPerPatch.toFixed(3)} s a patch (${found.note})`);
  return { script, cores, figures: found };
}

/** Equal changes by the same patches of the same pair: else one does not do the work that is timed. */
export function checkChanges(
  backend: Backend,
  ours: readonly number[],
  peers: readonly Peer[],
  { share, least, most } = ROUNDING,
): void {
  for (const { figures: found } of peers) {
    if (!found) continue;
    const apart = Math.max(...found.changes.map((change, patch) => Math.abs(change - ours[patch]!)));
    const largest = Math.max(...found.changes.map(Math.abs));
    const compared = `${found.changes.length} patches, ${apart.toExponential(1)} apart, the largest ${largest.toExponential(1)}`;
    console.log(`${backend} beside ${found.name}: ${compared}`);
    const allowed = Math.min(most, Math.max(share * largest, least));
    if (!(apart <= allowed && allowed <= largest / 20))
      throw new Error(`${backend} and ${found.name} do not change the logit difference alike (${compared}).`);
  }
}

/** A process that prints a line of JSON for each that it is sent. */
export interface Session<Figures> {
  /** @throws Error with the last that the process said, if it has ended. */
  ask(line?: string): Promise<Figures>;
  close(): void;
}

/** Starts a process, and waits until it has printed its first line. */
export async function session<Figures>(command: string, args: string[], core?: number): Promise<Session<Figures>> {
  const { file, argv, env } = pinned(command, args, core);
  const child = spawn(file, argv, { env });
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw Object.assign(new Error("It ended."), { stderr: said });
    return JSON.parse(value);
  };
  await next();
  return {
    ask(line = "") {
      child.stdin.write(`${line}\n`);
      return next();
    },
    close: () => child.stdin.end(),
  };
}

/**
 * The last line that a process prints, as JSON. On one core only where `core` names it, by taskset and by environment.
 */
export async function figures<Figures>(command: string, args: string[], core?: number): Promise<Figures> {
  const { file, argv, env } = pinned(command, args, core);
  const { stdout } = await run(file, argv, { env, maxBuffer: 1 << 24 });
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as Figures;
}

function pinned(command: string, args: readonly string[], core: number | undefined) {
  const [file, ...argv] =
    core !== undefined && canPin ? ["taskset", "-c", String(core), command, ...args] : [command, ...args];
  const one = { TF_NUM_INTRAOP_THREADS: "1", TF_NUM_INTEROP_THREADS: "1", OMP_NUM_THREADS: "1" };
  return { file: file!, argv, env: { ...process.env, ...(core === undefined ? {} : one) } };
}

export const counted = (cores: number) => (cores === 1 ? "one core" : `${cores} cores`);
const reason = (error: unknown) => (error instanceof Error ? error.message : String(error)).split("\n")[0]!;
