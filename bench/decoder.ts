import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Backend } from "../src/platform/backend.js";
import { DECODER_QUESTION, type DecoderPair, writeDecoderPair, writeSmolVlm } from "./decoder-checkpoint.js";
import type { DecoderFigures } from "./decoder-ours.js";
import { checkChanges, counted, figures, here, measurePeer, type Peer, whyNot, withScratch } from "./processes.js";

// `npm run bench:decoder`: the sweep of `text.self.z` of every head and layer at the question's tokens, at the shape of
// SmolVLM-256M, beside what people would run instead and beside the most that the backend could do.
//   --json FILE       writes the rows
//   --images 64,1088  image tokens: of the whole picture, and of 17 tiles
//   --backends A,B    only these; --cores 1,4 and --ways A,B likewise
//   --repeat N        sweeps, of which the median counts
//   --along           also one token at a time, from the first image token to the last of the prompt

const WAYS = ["procedure", "batch", "cache"] as const;
/** Thirty layers of random weights amplify float32's rounding. */
const ROUNDING = { share: 2e-2, least: 1e-5 };

/** A row of the result; ratios are null where the peer is missing. */
interface Row {
  readonly images: number;
  readonly backend: string;
  readonly cores: number;
  readonly msPerPatch: number;
  readonly gflopPerPatch: number;
  readonly gflops: number;
  readonly ratios: Readonly<Record<string, number | null>>;
  /** Share of the rate that the same matrix products reach alone. */
  readonly ratioLimit: number;
  readonly figures: DecoderFigures;
}

interface Course {
  readonly cores: readonly number[];
  readonly backends: readonly Backend[];
  readonly ways: readonly string[];
  readonly repeat: string;
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
      repeat: { type: "string", default: "1" },
      along: { type: "boolean", default: false },
    },
  });
  const backends: Backend[] = [];
  for (const backend of options.backends.split(",") as Backend[]) {
    const missing = await whyNot(backend);
    if (missing) console.log(`${backend}: ${missing}`);
    else backends.push(backend);
  }
  const { repeat, along } = options;
  const course = {
    cores: options.cores.split(",").map(Number),
    backends,
    ways: options.ways.split(","),
    repeat,
    along,
  };
  await withScratch(async (scratch) => {
    const checkpoint = join(scratch, "model");
    await writeSmolVlm(checkpoint);
    const rows: Row[] = [];
    for (const images of options.images.split(",").map(Number)) {
      const folder = join(scratch, String(images));
      await mkdir(folder);
      const pair = await writeDecoderPair(folder, checkpoint, images > 64);
      rows.push(...(await measureAll([checkpoint, folder], pair, course)));
    }
    if (options.json) await writeFile(options.json, `${JSON.stringify(rows, null, 2)}\n`);
  });
}

async function measureAll(folders: readonly string[], pair: DecoderPair, course: Course): Promise<Row[]> {
  const { ids, image, asked } = pair;
  console.log(
    `SmolVLM-256M's shape, ${image.length} image tokens of ${ids.length}, "${DECODER_QUESTION}": text.self.z at ${asked.length} tokens`,
  );
  const peers: Peer[] = [];
  for (const cores of course.cores)
    for (const way of course.ways)
      peers.push({
        ...(await measurePeer("decoder", folders, cores, ["--way", way], ".venv-decoder")),
        script: way,
      });
  const rows: Row[] = [];
  for (const backend of course.backends)
    for (const cores of course.cores) {
      const row = await measure(backend, folders, pair, { ...course, cores, peers });
      if (row) rows.push(row);
    }
  print(rows, peers);
  return rows;
}

/** One process on one core; on several, a native backend uses them itself, and of wasm each core has a process and a pair. */
async function measure(
  backend: Backend,
  folders: readonly string[],
  pair: DecoderPair,
  { cores, peers, repeat, along }: { cores: number; peers: readonly Peer[]; repeat: string; along: boolean },
): Promise<Row | undefined> {
  const processes = backend === "wasm" ? cores : 1;
  const { image, asked, ids } = pair;
  const spread = [0, 0.25, 0.5, 0.75, 1].map((share) => image[Math.round(share * (image.length - 1))]!);
  const tokens = [...spread, ...asked, ids.length - 1];
  const args = [
    "--repeat",
    repeat,
    ...(cores === processes ? ["--computing"] : []),
    ...(along && cores === 1 ? ["--along", tokens.join()] : []),
  ];
  const all = ["--import", "tsx", join(here, "decoder-ours.ts"), ...folders, backend, ...args];
  let found: DecoderFigures[];
  try {
    found = await Promise.all(
      Array.from({ length: processes }, (_, core) =>
        figures<DecoderFigures>(process.execPath, all, cores === processes ? core : undefined),
      ),
    );
  } catch (error) {
    const said = (error as { stderr?: string }).stderr ?? String(error);
    console.log(
      `${backend}, ${counted(cores)}: ${/NoticeError: (.*)/.exec(said)?.[1] ?? said.trim().split("\n").at(-1)}`,
    );
    return undefined;
  }
  for (const { changes } of found) checkChanges(backend, changes, peers, ROUNDING);
  const median = ({ seconds }: DecoderFigures) => [...seconds].sort((a, b) => a - b)[Math.floor(seconds.length / 2)]!;
  const slowest = found.reduce((one, other) => (median(one) > median(other) ? one : other));
  const perPatch = median(slowest) / slowest.patches / processes;
  const ratio = (way: string) => {
    const peer = peers.find((one) => one.script === way && one.cores === cores)?.figures;
    return peer ? peer.secondsPerPatch / perPatch : null;
  };
  return {
    images: image.length,
    backend,
    cores,
    msPerPatch: 1e3 * perPatch,
    gflopPerPatch: slowest.flops / slowest.patches / 1e9,
    gflops: slowest.flops / slowest.patches / perPatch / 1e9,
    ratios: Object.fromEntries(WAYS.map((way) => [way, ratio(way)])),
    ratioLimit: slowest.limitSeconds / median(slowest),
    figures: slowest,
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
      "load, pair s": `${row.figures.loadSeconds.toFixed(1)}, ${row.figures.pairSeconds.toFixed(1)}`,
      "heap, peak GB": [row.figures.heap, row.figures.peak].map((bytes) => ((bytes ?? 0) / 1e9).toFixed(2)).join(", "),
    })),
  );
  for (const { backend, figures } of rows)
    if (figures.byToken.length > 0)
      console.table(
        figures.byToken.map(({ token, seconds, flops }) => ({
          [backend]: `token ${token}`,
          "ms a patch": ((1e3 * seconds) / 270).toFixed(1),
          "GFLOP a patch": (flops / 270 / 1e9).toFixed(2),
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

await main();
