import { execFile, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { readConfig } from "../src/model/architectures.js";
import type { Backend } from "../src/platform/backend.js";
import { BASE_ARCHITECTURES, BASE_QUESTION, type BaseArchitecture, writeBaseCheckpoint } from "./base-checkpoint.js";
import { writeNoisePair } from "./noise-pair.js";
import { drawScaling } from "./scaling.js";
import type { SweepFigures } from "./sweep-ours.js";

// `npm run bench`: the sweep of every head, layer and token at the size of blip-vqa-base and of blip-itm-base-coco, on every
// backend, beside what people would run instead and beside the most that the backend could do.
//   --json FILE     writes the rows
//   --quick         a twelfth of the patches, scaled
//   --backends A,B  only these; --cores 1,4 only so many; --architectures A,B and --peers A,B likewise
//   --checkpoint FOLDER  instead of random weights made for the occasion
//   --scaling FILE  instead: cost against tokens, layers and pairs, as a table and an SVG

/** A row of the result; ratios are null where the peer is missing. Seconds are for the 1,440 patches of one pair. */
export interface Row {
  readonly architecture: string;
  readonly backend: string;
  readonly cores: number;
  readonly seconds: number;
  readonly patchesPerSecond: number;
  /** Of the matrix products that the patches need, 10^9 operations a second. */
  readonly gflops: number;
  /** How many times as fast as NOTICE's procedure, and as a skilled PyTorch batch, on as many cores. */
  readonly ratioProcedure: number | null;
  readonly ratioSkilled: number | null;
  /** Share of the rate that the same matrix products reach alone. */
  readonly ratioLimit: number;
}

/** What a script of bench/peers prints. */
interface PeerFigures {
  readonly name: string;
  readonly secondsPerPatch: number;
  readonly patchesTimed: number;
  readonly note: string;
  /** Of the logit difference by each patch timed, as `SweepFigures.changes` in its order. */
  readonly changes: readonly number[];
}

interface Peer {
  readonly script: string;
  readonly cores: number;
  readonly figures?: PeerFigures;
  /** Why there are no figures. */
  readonly missing?: string;
}

const PATCHES = 1440;
/** Changes of the logit difference may be so far apart: a share of the largest, but no less than float32's rounding of logits. */
const ROUNDING = { share: 1e-3, least: 1e-5 };
const BACKENDS = ["node-gpu", "node", "wasm"] as const satisfies readonly Backend[];
const PEERS = ["procedure", "skilled", "with_nnsight", "with_pyvene"];

const run = promisify(execFile);
const here = fileURLToPath(new URL(".", import.meta.url));
const python = join(here, "peers", ".venv", "bin", "python");
const canPin = spawnSync("taskset", ["--version"]).status === 0;

async function main(): Promise<void> {
  const { values: options } = parseArgs({
    options: {
      json: { type: "string" },
      quick: { type: "boolean", default: false },
      backends: { type: "string" },
      cores: { type: "string" },
      architectures: { type: "string", default: BASE_ARCHITECTURES.join() },
      peers: { type: "string", default: PEERS.join() },
      checkpoint: { type: "string" },
      scaling: { type: "string" },
    },
  });
  if (options.scaling) return drawScaling(options.scaling);
  const cores = options.cores?.split(",").map(Number) ?? [...new Set([1, cpus().length])];
  const backends: Backend[] = [];
  for (const backend of (options.backends?.split(",") as Backend[] | undefined) ?? BACKENDS) {
    const missing = await whyNot(backend);
    if (missing) console.log(`${backend}: ${missing}`);
    else backends.push(backend);
  }
  const rows: Row[] = [];
  const course = { cores, backends, scripts: options.peers.split(","), quick: options.quick };
  if (options.checkpoint) rows.push(...(await measureAll(options.checkpoint, course)));
  else
    for (const name of options.architectures.split(",") as BaseArchitecture[])
      rows.push(
        ...(await withScratch(async (folder) => {
          await writeBaseCheckpoint(folder, name);
          return measureAll(folder, course);
        })),
      );
  if (options.json) await writeFile(options.json, `${JSON.stringify(rows, null, 2)}\n`);
}

/** What is measured of every architecture. */
interface Course {
  readonly cores: readonly number[];
  readonly backends: readonly Backend[];
  /** Of bench/peers. */
  readonly scripts: readonly string[];
  readonly quick: boolean;
}

/** Measures and prints one checkpoint. */
async function measureAll(folder: string, { cores, backends, scripts, quick }: Course): Promise<Row[]> {
  return withScratch(async (pair) => {
    const { architecture, config } = readConfig(await readFile(join(folder, "config.json"), "utf8"), "config.json");
    await writeNoisePair(pair, architecture, architecture.intake.image(config).side);
    const part = quick ? "; --quick: a twelfth of the patches timed, scaled by their operations" : "";
    console.log(`${architecture.name}, base size, "${BASE_QUESTION}": ${PATCHES} patches of text.cross.z${part}`);
    const peers: Peer[] = [];
    for (const count of cores)
      for (const script of scripts) peers.push(await measurePeer(script, [folder, pair], count, quick));
    const rows: Row[] = [];
    for (const backend of backends)
      for (const count of cores)
        rows.push({ architecture: architecture.name, ...(await measure(backend, folder, count, quick, peers)) });
    print(rows, peers);
    return rows;
  });
}

/** A folder for as long as `work` lasts. */
async function withScratch<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), "notice-base-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One process on one core; on several, a native backend uses them itself, and of wasm each core has a process and a pair. */
async function measure(
  backend: Backend,
  folder: string,
  cores: number,
  quick: boolean,
  peers: Peer[],
): Promise<Omit<Row, "architecture">> {
  const processes = backend === "wasm" ? cores : 1;
  const args = ["--import", "tsx", join(here, "sweep-ours.ts"), folder, backend, ...(quick ? ["--quick"] : [])];
  const found = await Promise.all(
    Array.from({ length: processes }, (_, core) =>
      figures<SweepFigures>(process.execPath, args, cores === processes ? core : undefined),
    ),
  );
  for (const { changes } of found) checkChanges(backend, changes.flat(), peers);
  const slowest = found.reduce((one, other) => (one.seconds > other.seconds ? one : other));
  // Where only a part was timed, the rest costs as much an operation.
  const seconds = (slowest.seconds * slowest.wholeFlops) / slowest.flops / processes;
  const ratio = (script: string) => {
    const peer = peers.find((one) => one.script === script && one.cores === cores)?.figures;
    return peer ? (peer.secondsPerPatch * PATCHES) / seconds : null;
  };
  console.log(
    `${backend}, ${counted(cores)}: ${processes} x ${slowest.patches} patches in ${slowest.seconds.toFixed(1)} s, ` +
      `after ${slowest.pairSeconds.toFixed(1)} s for the clean and the corrupted pass`,
  );
  return {
    backend,
    cores,
    seconds,
    patchesPerSecond: PATCHES / seconds,
    gflops: slowest.wholeFlops / seconds / 1e9,
    ratioProcedure: ratio("procedure"),
    ratioSkilled: ratio("skilled"),
    ratioLimit: slowest.limitSeconds / slowest.seconds,
  };
}

/** In a process of its own, since TensorFlow.js holds one backend of each kind. */
async function whyNot(backend: Backend): Promise<string | undefined> {
  const code = `import { tryBackend } from ${JSON.stringify(new URL("../src/platform/backend.ts", import.meta.url).href)};
    console.log(JSON.stringify((await tryBackend(${JSON.stringify(backend)})) ?? null));`;
  const args = ["--import", "tsx", "--input-type=module", "--eval", code];
  return (await figures<string | null>(process.execPath, args)) ?? undefined;
}

async function measurePeer(script: string, folders: string[], cores: number, quick: boolean): Promise<Peer> {
  const install = "`npm run bench:peers` makes its environment";
  if (!existsSync(python)) return { script, cores, missing: `not installed: ${install}` };
  const args = ["-W", "ignore", join(here, "peers", `${script}.py`), ...folders, "--threads", String(cores)];
  try {
    const found = await figures<PeerFigures>(
      python,
      [...args, ...(quick ? ["--patches", script === "procedure" ? "2" : "24"] : [])],
      cores === 1 ? 0 : undefined,
    );
    console.log(`${found.name}, ${counted(cores)}: ${found.secondsPerPatch.toFixed(3)} s a patch (${found.note})`);
    return { script, cores, figures: found };
  } catch (error) {
    const last = (error as { stderr?: string }).stderr?.trim().split("\n").at(-1);
    return { script, cores, missing: `${last ?? reason(error)} (${install})` };
  }
}

/** Equal changes by the same patches of the same pair: else one does not do the work that is timed. */
function checkChanges(backend: Backend, ours: readonly number[], peers: readonly Peer[]): void {
  for (const { figures: found } of peers) {
    if (!found) continue;
    const apart = Math.max(...found.changes.map((change, patch) => Math.abs(change - ours[patch]!)));
    const largest = Math.max(...found.changes.map(Math.abs));
    const compared = `${found.changes.length} patches, ${apart.toExponential(1)} apart, the largest ${largest.toExponential(1)}`;
    console.log(`${backend} beside ${found.name}: ${compared}`);
    const allowed = Math.max(ROUNDING.share * largest, ROUNDING.least);
    if (!(apart <= allowed && allowed <= largest / 20))
      throw new Error(`${backend} and ${found.name} do not change the logit difference alike (${compared}).`);
  }
}

function print(rows: readonly Row[], peers: readonly Peer[]): void {
  const times = (ratio: number | null) => (ratio === null ? "-" : `${ratio.toFixed(1)} x`);
  console.table(
    rows.map((row) => ({
      "": `vlm-notice, ${row.architecture}, ${row.backend}`,
      cores: row.cores,
      seconds: row.seconds.toFixed(1),
      "ms a patch": (1e3 / row.patchesPerSecond).toFixed(1),
      "patches/s": row.patchesPerSecond.toFixed(1),
      "GFLOP/s": row.gflops.toFixed(1),
      "NOTICE procedure": times(row.ratioProcedure),
      "PyTorch batch": times(row.ratioSkilled),
      "of the limit": row.ratioLimit.toFixed(2),
    })),
  );
  console.table(
    peers.map(({ script, cores, figures: found, missing }) => ({
      "": found?.name ?? script,
      cores,
      seconds: found ? (found.secondsPerPatch * PATCHES).toFixed(0) : "-",
      "patches/s": found ? (1 / found.secondsPerPatch).toFixed(2) : "-",
      how: found ? `${found.patchesTimed} patches timed, scaled; ${found.note}` : missing,
    })),
  );
}

/** The last line that a process prints, as JSON. On one core only where `core` names it, by taskset and by environment. */
async function figures<Figures>(command: string, args: string[], core?: number): Promise<Figures> {
  const pinned = core !== undefined && canPin ? ["taskset", "-c", String(core), command, ...args] : [command, ...args];
  const one = { TF_NUM_INTRAOP_THREADS: "1", TF_NUM_INTEROP_THREADS: "1", OMP_NUM_THREADS: "1" };
  const env = { ...process.env, ...(core === undefined ? {} : one) };
  const { stdout } = await run(pinned[0]!, pinned.slice(1), { env, maxBuffer: 1 << 24 });
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as Figures;
}

const counted = (cores: number) => (cores === 1 ? "one core" : `${cores} cores`);
const reason = (error: unknown) => (error instanceof Error ? error.message : String(error)).split("\n")[0]!;

await main();
