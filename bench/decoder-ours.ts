import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import * as tf from "@tensorflow/tfjs-core";
import { loadModel } from "../src/patching/load-model.js";
import { Pair } from "../src/patching/pair.js";
import { sweep } from "../src/patching/sweep.js";
import type { Backend } from "../src/platform/backend.js";
import type { DecoderPair } from "./decoder-checkpoint.js";
import { decoderFlops } from "./decoder-flops.js";
import { countProducts, limitSeconds, type Products, productFlops } from "./flops.js";
import { kernelTimes } from "./kernel-times.js";

// One process of `decoder.ts`: for every line that it reads it sweeps a pair of the decoder-only model, and prints its
// figures as a line of JSON.

/** What a process measured. */
export interface DecoderFigures {
  readonly patches: number;
  /** Of the sweep alone. */
  readonly seconds: number;
  /** Of loading, and of the clean and the corrupted pass. */
  readonly loadSeconds: number;
  readonly pairSeconds: number;
  /** What the matrix products of these patches take. */
  readonly flops: number;
  /** The sweep's matrix products at this backend's plain matMul rate. */
  readonly limitSeconds: number;
  /** Of the logit difference by each place of pair.json. */
  readonly changes: readonly number[];
  /** Of the patches at one token: how many, their seconds and their operations. */
  readonly byToken: readonly Alone[];
  /** Of wasm's heap, in bytes, after the sweep; of the whole process at its largest. */
  readonly heap?: number;
  readonly peak: number;
}

interface Alone {
  readonly token: number;
  readonly patches: number;
  readonly seconds: number;
  readonly flops: number;
}

/** Before a token so far from the end one head a layer is patched: each patch computes all rows from its token on. */
const FAR = 128;

/** So many products are timed. */
const SAMPLED = 12;

const { values, positionals } = parseArgs({
  options: {
    layers: { type: "string" },
    computing: { type: "boolean" },
    profile: { type: "boolean" },
  },
  allowPositionals: true,
});
const [folder, pairFolder, backend] = positionals as [string, string, Backend];
const given = JSON.parse(await readFile(join(pairFolder, "pair.json"), "utf8")) as DecoderPair;
/** Seconds: of computing where the process has one core, which other work on the machine does not change. */
const clock = () => {
  const { user, system } = process.cpuUsage();
  return values.computing ? (user + system) / 1e6 : performance.now() / 1e3;
};
const loading = performance.now();
using model = await loadModel(folder, { backend, split: given.tiles > 1, warn: () => undefined });
const started = performance.now();
using pair = await readPair();
const [loadSeconds, pairSeconds] = [(started - loading) / 1e3, (performance.now() - started) / 1e3];
const site = "text.self.z" as const;
const layers = values.layers?.split(",").map(Number);
// The first patch pays for what the backend prepares of each weight.
await sweep(pair, { site, layers: [0], heads: [0], position: "last" });
if (values.profile) {
  const sweeping = () => sweep(pair, { site, layers, position: given.asked });
  // All of it is written before the process ends.
  const profile = JSON.stringify(await kernelTimes(sweeping));
  process.stdout.write(`${profile}\n`, () => process.exit());
  await new Promise(() => undefined);
}
console.log(JSON.stringify("ready"));
for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(await measured(line)));

/** @param along tokens that are swept one at a time too, as a list with commas between them. */
async function measured(along: string): Promise<DecoderFigures> {
  const swept = () => sweep(pair, { site, layers, position: given.asked });
  const began = clock();
  const scores = await swept();
  const seconds = clock() - began;
  const changes = given.places.map((place) => scores.at("logitDiff", ...place) ?? Number.NaN);
  // Once more: what is counted goes by ops alone, which is not as fast on wasm.
  const products = await countProducts(swept);
  const count = layers?.length ?? model.towers.text!.layers;
  const all = model.towers.text!.heads;
  const byToken: Alone[] = [];
  for (const token of along.split(",").filter(Boolean).map(Number)) {
    const heads = given.ids.length - token > FAR ? [0] : undefined;
    const began = clock();
    await sweep(pair, { site, layers, heads, position: token });
    const share = (heads?.length ?? all) / all;
    byToken.push({ token, patches: share * count * all, seconds: clock() - began, flops: share * flopsAt([token]) });
  }
  return {
    patches: count * all * given.asked.length,
    seconds,
    loadSeconds,
    pairSeconds,
    flops: flopsAt(given.asked),
    limitSeconds: await sampledLimit(products),
    changes,
    byToken,
    ...(backend === "wasm" && { heap: heapBytes() }),
    peak: process.resourceUsage().maxRSS * 1024,
  };
}

function flopsAt(tokens: readonly number[]): number {
  const { text } = model.towers as { text: Parameters<typeof decoderFlops>[0] };
  const vocabulary = model.architecture.readout.choices(model.config as never);
  return decoderFlops(text, vocabulary, { tokens: given.ids.length, patched: tokens, layers });
}

/** As `limitSeconds`, from every so many-th product by size: a batch that grows from layer to layer has hundreds. */
async function sampledLimit(products: Products): Promise<number> {
  const flopsOf = ([product, count]: readonly [string, number]) => count * productFlops(product);
  const sorted = [...products].sort((one, other) => flopsOf(one) - flopsOf(other));
  const step = Math.ceil(sorted.length / SAMPLED);
  const sample = sorted.filter((_, i) => (sorted.length - 1 - i) % step === 0);
  const sum = (list: typeof sorted) => list.reduce((total, entry) => total + flopsOf(entry), 0);
  return ((await limitSeconds(new Map(sample), clock)) * sum(sorted)) / sum(sample);
}

async function readPair(): Promise<Pair> {
  const bytes = await readFile(join(pairFolder, "pixels.f32"));
  const side = model.architecture.intake.image(model.config as never).side;
  const size = given.tiles * side * side * 3;
  const floats = new Float32Array(bytes.buffer, bytes.byteOffset, 2 * size);
  const [pixels, corruptPixels] = [0, 1].map((picture) =>
    tf.tensor4d(floats.slice(picture * size, (picture + 1) * size), [given.tiles, side, side, 3]),
  );
  const answer = ({ text, id }: { text: string; id: number }) => ({ text, token: text, id });
  const question = { text: "", ids: given.ids, tokens: given.ids.map(String), image: given.image, find: () => [] };
  const answers = { correct: answer(given.answers[0]), incorrect: answer(given.answers[1]) };
  try {
    return await Pair.of(model, { modelName: "noise", pixels: pixels!, corruptPixels, question, answers });
  } finally {
    tf.dispose([pixels!, corruptPixels!]);
  }
}

function heapBytes(): number {
  return (tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array } }).wasm.HEAPU8.byteLength;
}
