import { readFile, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readConfig } from "../src/model/architectures.js";
import type { Backend } from "../src/platform/backend.js";
import { BASE_ARCHITECTURES, BASE_QUESTION, type BaseArchitecture, writeBaseCheckpoint } from "./base-checkpoint.js";
import { median } from "./median.js";
import { writeNoisePair } from "./noise-pair.js";
import { checkChanges, counted, figures, here, measurePeer, type Peer, whyNot, withScratch } from "./processes.js";
import { drawScaling } from "./scaling.js";
import type { SweepFigures } from "./sweep-ours.js";

// `npm run bench`: the sweep of every head, layer and token at the size of blip-vqa-base and of blip-itm-base-coco, on every
// backend, beside what people would run instead and beside the most that the backend could do.
//   --json FILE     writes the rows
//   --quick         a twelfth of the patches, scaled
//   --rounds N      everything so often, peers too; each figure is the median of its own (1)
//   --backends A,B  only these; --cores 1,4 only so many; --architectures A,B and --peers A,B likewise
//   --checkpoint FOLDER  instead of random weights made for the occasion
//   --scaling FILE  instead: cost against tokens, layers and pairs, as a table and an SVG

/** A row of the result; ratios are null where the peer is missing. Seconds are for the 1,440 patches of one pair. */
export interface Row {
  readonly architecture: string;
  readonly backend: string;
  readonly cores: number;
  /** Each with a pair of its own. */
  readonly processes: number;
  /** The most that all of them held, in bytes. */
  readonly memory: number;
  readonly seconds: number;
  readonly patchesPerSecond: number;
  /** Of the matrix products that the patches need, 10^9 operations a second. */
  readonly gflops: number;
  /** How many times as fast as NOTICE's procedure, and as a skilled PyTorch batch, on as many cores. */
  readonly ratioProcedure: number | null;
  readonly ratioSkilled: number | null;
  /** Share of the rate that the same matrix products reach alone, by the backend's `matMul`. */
  readonly ratioLimit: number;
  /** The same by the kernel that passes multiply with. */
  readonly ratioKernel: number;
}

const PATCHES = 1440;
const BACKENDS = ["node-gpu", "node", "wasm"] as const satisfies readonly Backend[];
const PEERS = ["procedure", "skilled", "with_nnsight", "with_pyvene"];

async function main(): Promise<void> {
  const { values: options } = parseArgs({
    options: {
      json: { type: "string" },
      quick: { type: "boolean", default: false },
      rounds: { type: "string", default: "1" },
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
  const course = {
    cores,
    backends,
    scripts: options.peers.split(","),
    quick: options.quick,
    rounds: Number(options.rounds),
  };
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
  readonly rounds: number;
}

const patchesOf = (script: string, quick: boolean) => (quick ? ["--patches", script === "procedure" ? "2" : "24"] : []);

/** Measures and prints one checkpoint. */
async function measureAll(folder: string, course: Course): Promise<Row[]> {
  return withScratch(async (pair) => {
    const { architecture, config } = readConfig(await readFile(join(folder, "config.json"), "utf8"), "config.json");
    await writeNoisePair(pair, architecture, architecture.intake.image(config).side);
    const part = course.quick ? "; --quick: a twelfth of the patches timed, scaled by their operations" : "";
    console.log(`${architecture.name}, base size, "${BASE_QUESTION}": ${PATCHES} patches of text.cross.z${part}`);
    const rounds: Row[][] = [];
    const peerRounds: Peer[][] = [];
    for (let round = 0; round < course.rounds; round++) {
      const peers = await measurePeers(folder, pair, course);
      peerRounds.push(peers);
      rounds.push(await measureRows(folder, peers, course, architecture.name));
    }
    const rows = rounds[0]!.map((_, row) => medianRow(rounds.map((rows) => rows[row]!)));
    print(
      rows,
      peerRounds[0]!.map((_, at) => medianPeer(peerRounds.map((peers) => peers[at]!))),
    );
    if (course.rounds > 1)
      for (const [at, { backend, cores, processes }] of rows.entries())
        console.log(`${backend}, ${counted(cores)}, ${processes}: ${rangesOf(rounds.map((rows) => rows[at]!))}`);
    return rows;
  });
}

async function measurePeers(folder: string, pair: string, { cores, scripts, quick }: Course): Promise<Peer[]> {
  const peers: Peer[] = [];
  for (const count of cores)
    for (const script of scripts)
      peers.push(await measurePeer(script, [folder, pair], count, patchesOf(script, quick)));
  return peers;
}

async function measureRows(
  folder: string,
  peers: Peer[],
  { cores, backends, quick }: Course,
  architecture: string,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const backend of backends)
    for (const count of cores)
      for (const processes of waysOf(backend, count))
        rows.push({ architecture, ...(await measure(backend, folder, { cores: count, processes, quick, peers })) });
  return rows;
}

/** What differs from round to round, each by its own median. */
const FIGURES = [
  ...(["seconds", "patchesPerSecond", "gflops", "memory"] as const),
  ...(["ratioProcedure", "ratioSkilled", "ratioLimit", "ratioKernel"] as const),
];

function medianRow(rows: readonly Row[]): Row {
  const medians = FIGURES.map((name) => [name, middleOf(rows.map((row) => row[name]))]);
  return { ...rows[0]!, ...Object.fromEntries(medians) };
}

function medianPeer(rounds: readonly Peer[]): Peer {
  const [one] = rounds.filter(({ figures }) => figures);
  if (!one?.figures) return rounds[0]!;
  const secondsPerPatch = middleOf(rounds.map(({ figures }) => figures?.secondsPerPatch ?? null))!;
  return { ...one, figures: { ...one.figures, secondsPerPatch } };
}

/** The median of those that are there. */
function middleOf(values: readonly (number | null)[]): number | null {
  const found = values.filter((value) => value !== null);
  return found.length === 0 ? null : median(found);
}

function rangesOf(rows: readonly Row[]): string {
  const ranges = FIGURES.filter((name) => name.startsWith("ratio")).map((name) => {
    const values = rows.map((row) => row[name]).filter((value) => value !== null);
    return values.length > 0 && `${name} ${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)}`;
  });
  return ranges.filter(Boolean).join(", ");
}

/** How many processes: on several cores one that uses them all, where the backend does, or one a core, as a study. */
function waysOf(backend: Backend, cores: number): number[] {
  if (cores === 1 || backend === "node-gpu") return [1];
  return backend === "wasm" ? [cores] : [1, cores];
}

async function measure(
  backend: Backend,
  folder: string,
  {
    cores,
    processes,
    quick,
    peers,
  }: { readonly cores: number; readonly processes: number; readonly quick: boolean; readonly peers: Peer[] },
): Promise<Omit<Row, "architecture">> {
  const more = [...(quick ? ["--quick"] : []), ...(cores === processes ? ["--alone"] : [])];
  const args = ["--import", "tsx", join(here, "sweep-ours.ts"), folder, backend, ...more];
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
      `after ${slowest.pairSeconds.toFixed(1)} s for the clean and the corrupted pass; ` +
      `${slowest.ofLimit.toFixed(2)} of the limit, ${slowest.ofKernel.toFixed(2)} of its kernel`,
  );
  return {
    backend,
    cores,
    processes,
    memory: found.reduce((sum, { memory }) => sum + memory, 0),
    seconds,
    patchesPerSecond: PATCHES / seconds,
    gflops: slowest.wholeFlops / seconds / 1e9,
    ratioProcedure: ratio("procedure"),
    ratioSkilled: ratio("skilled"),
    ratioLimit: slowest.ofLimit,
    ratioKernel: slowest.ofKernel,
  };
}

function print(rows: readonly Row[], peers: readonly Peer[]): void {
  const times = (ratio: number | null) => (ratio === null ? "-" : `${ratio.toFixed(1)} x`);
  console.table(
    rows.map((row) => ({
      "": `vlm-notice, ${row.architecture}, ${row.backend}`,
      cores: row.cores,
      processes: row.processes,
      GB: (row.memory / 1e9).toFixed(1),
      seconds: row.seconds.toFixed(1),
      "ms a patch": (1e3 / row.patchesPerSecond).toFixed(1),
      "patches/s": row.patchesPerSecond.toFixed(1),
      "GFLOP/s": row.gflops.toFixed(1),
      "NOTICE procedure": times(row.ratioProcedure),
      "PyTorch batch": times(row.ratioSkilled),
      "of the limit": row.ratioLimit.toFixed(2),
      "of its kernel": row.ratioKernel.toFixed(2),
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

await main();
