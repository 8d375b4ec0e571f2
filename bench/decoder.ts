import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Backend } from "../src/platform/backend.js";
import {
  DECODER_QUESTION,
  type DecoderPair,
  type Vision,
  writeDecoderPair,
  writeSmolVlm,
} from "./decoder-checkpoint.js";
import type { DecoderFigures } from "./decoder-ours.js";
import { median } from "./median.js";
import {
  checkChanges,
  counted,
  here,
  openDecoderPeer,
  type Peer,
  type PeerSession,
  type Session,
  session,
  whyNot,
  withScratch,
} from "./processes.js";

// `npm run bench:decoder`: the sweep of `text.self.z` of every head and layer at the question's tokens, at the shape of
// SmolVLM-256M, beside what people would run instead and beside the most that the backend could do.
//   --json FILE       writes the rows
//   --images 64,1088  image tokens: of the whole picture, and of 17 tiles
//   --backends A,B    only these; --cores 1,4 and --ways A,B likewise (`--ways none`: no peers)
//   --vision small    one layer of 128 pixels sees the tiles; the text tower, and so the sweep, is the same
//   --asked N         patches so many of the question's eight tokens
//   --rounds N        every side runs N times, in turn; medians, and medians of the ratios in a round
//   --along           also one token at a time, from the first image token to the last of the prompt

const WAYS = ["procedure", "batch", "cache"] as const;
/** Thirty layers of random weights amplify float32's rounding; all changes of logits are within 1e-4 none the less. */
const ROUNDING = { share: 2e-2, least: 2e-6, most: 1e-4 };

/** A row of the result: medians of rounds; ratios are null where the peer is missing. */
interface Row {
  readonly images: number;
  readonly vision: Vision;
  readonly backend: string;
  readonly cores: number;
  readonly msPerPatch: number;
  readonly gflopPerPatch: number;
  readonly gflops: number;
  readonly ratios: Readonly<Record<string, number | null>>;
  /** Share of the rate that the same matrix products reach alone. */
  readonly ratioLimit: number;
  readonly rounds: readonly Round[];
}

/** One run of ours, and the peers' before it. */
interface Round {
  readonly msPerPatch: number;
  readonly ratios: Readonly<Record<string, number>>;
  readonly ratioLimit: number;
  readonly figures: DecoderFigures;
}

interface Course {
  readonly cores: readonly number[];
  readonly backends: readonly Backend[];
  readonly ways: readonly string[];
  readonly vision: Vision;
  readonly rounds: number;
  readonly along: boolean;
}

async function main(): Promise<void> {
  const { values: options } = parseArgs({
    options: {
      json: { type: "string" },
      images: { type: "string", default: "64,1088" },
      backends: { type: "string", default: "node,wasm" },
      cores: { type: "string", default: [...new Set([1, cpus().length])].join() },
      ways: { type: "string", default: WAYS.join() },
      vision: { type: "string", default: "whole" },
      asked: { type: "string", default: "8" },
      rounds: { type: "string", default: "1" },
      along: { type: "boolean", default: false },
    },
  });
  const backends: Backend[] = [];
  for (const backend of options.backends.split(",") as Backend[]) {
    const missing = await whyNot(backend);
    if (missing) console.log(`${backend}: ${missing}`);
    else backends.push(backend);
  }
  const course: Course = {
    cores: options.cores.split(",").map(Number),
    backends,
    ways: WAYS.filter((way) => options.ways.split(",").includes(way)),
    vision: options.vision as Vision,
    rounds: Number(options.rounds),
    along: options.along,
  };
  await withScratch(async (scratch) => {
    const checkpoint = join(scratch, "model");
    await writeSmolVlm(checkpoint, course.vision);
    const rows: Row[] = [];
    for (const images of options.images.split(",").map(Number)) {
      const folder = join(scratch, String(images));
      await mkdir(folder);
      const pair = await writeDecoderPair(folder, checkpoint, { split: images > 64, asked: Number(options.asked) });
      for (const cores of course.cores) rows.push(...(await measureAll([checkpoint, folder], pair, cores, course)));
    }
    if (options.json) await writeFile(options.json, `${JSON.stringify(rows, null, 2)}\n`);
  });
}

/** All sides in turn, in each round. */
async function measureAll(
  folders: readonly string[],
  pair: DecoderPair,
  cores: number,
  course: Course,
): Promise<Row[]> {
  const { ids, image, asked } = pair;
  console.log(
    `SmolVLM-256M's shape, ${image.length} image tokens of ${ids.length}, "${DECODER_QUESTION}": text.self.z at ${asked.length} tokens`,
  );
  const ways: PeerSession[] = [];
  for (const way of course.ways) ways.push(await openDecoderPeer(way, folders, cores));
  const ours: (readonly [Backend, Session<DecoderFigures>[]])[] = [];
  for (const backend of course.backends) ours.push([backend, await open(backend, folders, cores)]);
  const peers: Peer[] = [];
  const rounds = new Map<Backend, Round[]>();
  for (let round = 0; round < course.rounds; round++) {
    const beside: Peer[] = [];
    for (const way of ways) beside.push(await way.measure());
    const along = course.along && cores === 1 && round === 0 ? tokensAlong(pair) : [];
    for (const [backend, processes] of ours)
      if (processes.length > 0) {
        const measured = await measure(backend, processes, cores, { peers: beside, along });
        rounds.set(backend, [...(rounds.get(backend) ?? []), measured]);
      }
    peers.push(...beside);
  }
  for (const opened of [...ways, ...ours.flatMap(([, processes]) => processes)]) opened.close();
  const rows = [...rounds].map(([backend, measured]) =>
    rowOf({ images: image.length, vision: course.vision, backend, cores, rounds: measured }),
  );
  print(rows, peers);
  return rows;
}

/** Image tokens, what is asked, and the last. */
function tokensAlong({ image, asked, ids }: DecoderPair): number[] {
  const spread = [0, 0.25, 0.5, 0.75, 1].map((share) => image[Math.round(share * (image.length - 1))]!);
  return [...spread, ...asked, ids.length - 1];
}

/** One process on one core; on several, a native backend uses them itself, and of wasm each core has a process and a pair. */
async function open(backend: Backend, folders: readonly string[], cores: number): Promise<Session<DecoderFigures>[]> {
  const processes = backend === "wasm" ? cores : 1;
  const args = [...folders, backend, ...(cores === 1 ? ["--computing"] : [])];
  const all = ["--import", "tsx", join(here, "decoder-ours.ts"), ...args];
  try {
    return await Promise.all(
      Array.from({ length: processes }, (_, core) =>
        session<DecoderFigures>(process.execPath, all, cores === processes ? core : undefined),
      ),
    );
  } catch (error) {
    const said = (error as { stderr?: string }).stderr ?? String(error);
    console.log(
      `${backend}, ${counted(cores)}: ${/NoticeError: (.*)/.exec(said)?.[1] ?? said.trim().split("\n").at(-1)}`,
    );
    return [];
  }
}

async function measure(
  backend: Backend,
  processes: readonly Session<DecoderFigures>[],
  cores: number,
  { peers, along }: { readonly peers: readonly Peer[]; readonly along: readonly number[] },
): Promise<Round> {
  const found = await Promise.all(processes.map((one) => one.ask(along.join())));
  for (const { changes } of found) checkChanges(backend, changes, peers, ROUNDING);
  const slowest = found.reduce((one, other) => (one.seconds > other.seconds ? one : other));
  const perPatch = slowest.seconds / slowest.patches / processes.length;
  const beside = peers.flatMap(({ script, figures: peer }) =>
    peer ? [[script, peer.secondsPerPatch / perPatch] as const] : [],
  );
  const ratioLimit = slowest.limitSeconds / slowest.seconds;
  console.log(
    `${backend}, ${counted(cores)}: ${(1e3 * perPatch).toFixed(1)} ms a patch, ${ratioLimit.toFixed(2)} of the limit`,
  );
  return { msPerPatch: 1e3 * perPatch, ratios: Object.fromEntries(beside), ratioLimit, figures: slowest };
}

function rowOf(measured: Pick<Row, "images" | "vision" | "backend" | "cores" | "rounds">): Row {
  const { rounds } = measured;
  const msPerPatch = median(rounds.map((round) => round.msPerPatch));
  const { flops, patches } = rounds[0]!.figures;
  const ratio = (way: string) => {
    const found = rounds.flatMap(({ ratios }) => ratios[way] ?? []);
    return found.length === 0 ? null : median(found);
  };
  return {
    ...measured,
    msPerPatch,
    gflopPerPatch: flops / patches / 1e9,
    gflops: flops / patches / msPerPatch / 1e6,
    ratios: Object.fromEntries(WAYS.map((way) => [way, ratio(way)])),
    ratioLimit: median(rounds.map((round) => round.ratioLimit)),
  };
}

function print(rows: readonly Row[], peers: readonly Peer[]): void {
  const times = (ratio: number | null | undefined) => (ratio == null ? "-" : `${ratio.toFixed(1)} x`);
  console.table(
    rows.map((row) => ({
      "": `vlm-notice, ${row.backend}`,
      cores: row.cores,
      "ms a patch": row.msPerPatch.toFixed(1),
      "GFLOP a patch": row.gflopPerPatch.toFixed(2),
      "GFLOP/s": row.gflops.toFixed(1),
      "of the limit": row.ratioLimit.toFixed(2),
      ...Object.fromEntries(WAYS.map((way) => [way, times(row.ratios[way])])),
      "load, pair s": [row.rounds[0]!.figures.loadSeconds, row.rounds[0]!.figures.pairSeconds].map(tenths).join(", "),
      "heap, peak GB": [row.rounds[0]!.figures.heap, row.rounds[0]!.figures.peak].map(gigabytes).join(", "),
    })),
  );
  for (const { backend, rounds } of rows)
    if (rounds[0]!.figures.byToken.length > 0)
      console.table(
        rounds[0]!.figures.byToken.map(({ token, patches, seconds, flops }) => ({
          [backend]: `token ${token}`,
          "ms a patch": ((1e3 * seconds) / patches).toFixed(1),
          "GFLOP a patch": (flops / patches / 1e9).toFixed(2),
        })),
      );
  console.table(
    peers.map(({ cores, script, figures: found, missing }) => ({
      "": found?.name ?? script,
      cores,
      "ms a patch": found ? (1e3 * found.secondsPerPatch).toFixed(1) : "-",
      how: found ? `${found.patchesTimed} patches timed; ${found.note}` : missing,
    })),
  );
}

const tenths = (seconds: number) => seconds.toFixed(1);
const gigabytes = (bytes = 0) => (bytes / 1e9).toFixed(2);

await main();
