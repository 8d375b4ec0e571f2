import { parseArgs } from "node:util";
import * as tf from "@tensorflow/tfjs-core";
import { linear } from "../src/model/kernels/linear.js";
import { loadModel } from "../src/patching/load-model.js";
import { sweep } from "../src/patching/sweep.js";
import type { Backend } from "../src/platform/backend.js";
import { countProducts, limitSeconds, sweepFlops, wall } from "./flops.js";
import { computed, kernelTimes } from "./kernel-times.js";
import { type BaseModel, noisePair } from "./noise-pair.js";

// One process of `sweep.ts`: sweeps a pair, and prints its figures as a line of JSON.

/** What a process measured. */
export interface SweepFigures {
  readonly patches: number;
  /** Of the sweep alone. */
  readonly seconds: number;
  /** Of the clean and the corrupted pass before it. */
  readonly pairSeconds: number;
  /** What the matrix products of these patches, and of the sweep's 1,440, take. */
  readonly flops: number;
  readonly wholeFlops: number;
  /** The sweep's matrix products at this backend's plain matMul rate, as a share of what the sweep took. */
  readonly ofLimit: number;
  /** The same at the rate of the kernel that passes multiply with: our own on wasm, natively a fused one. */
  readonly ofKernel: number;
  /** The most that this process held, in bytes. */
  readonly memory: number;
  /** Of the patches of layer `COMPARED`, [head, token]: the change of the logit difference. */
  readonly changes: readonly (readonly number[])[];
}

/** The layer that bench/peers patch. */
const COMPARED = 5;

const { values, positionals } = parseArgs({
  options: {
    quick: { type: "boolean" },
    profile: { type: "boolean" },
    /** On one core: its share of the limit is then of computing, which other work on the machine does not add to. */
    alone: { type: "boolean" },
  },
  allowPositionals: true,
});
const [folder, backend] = positionals as [string, Backend];
using blip = (await loadModel(folder, { backend })) as BaseModel;
const started = performance.now();
using pair = await noisePair(blip);
const pairSeconds = (performance.now() - started) / 1e3;
const { num_hidden_layers, num_attention_heads } = blip.config.text;
const every = Array.from({ length: num_hidden_layers }, (_, layer) => layer);
const layers = values.quick ? every.slice(num_hidden_layers / 2 - 1, num_hidden_layers / 2 + 1) : every;
const heads = Array.from({ length: values.quick ? num_attention_heads / 2 : num_attention_heads }, (_, head) => head);
// The first patch pays for what the backend prepares of each weight.
await sweep(pair, { site: "text.cross.z", layers: [0], heads: [0], position: [0] });
// A profile is of a third of the layers, in batches as large as a whole sweep's.
const third = every.filter((layer) => layer % 3 === 0);
const profile = () => kernelTimes(() => sweep(pair, { site: "text.cross.z", layers: third }));
console.log(JSON.stringify(values.profile ? await profile() : await measure()));

async function measure(): Promise<SweepFigures> {
  const clock = values.alone ? computed : wall;
  const [wallBegan, clockBegan] = [wall(), clock()];
  const swept = () => sweep(pair, { site: "text.cross.z", layers, heads });
  const scores = await swept();
  const [seconds, clocked] = [wall() - wallBegan, clock() - clockBegan];
  const { maxRSS } = process.resourceUsage();
  // Once more, since what is counted is not computed.
  const products = await countProducts(swept);
  const tokens = pair.question.tokens.length;
  const byKernel = (a: tf.Tensor2D, weight: tf.Tensor2D) =>
    tf.tidy(() => linear(a, { weight, bias: tf.zeros([weight.shape[1]]) }));
  return {
    patches: layers.length * heads.length * tokens,
    seconds,
    pairSeconds,
    flops: sweepFlops(blip, tokens, layers, heads.length),
    wholeFlops: sweepFlops(blip, tokens, every, num_attention_heads),
    ofLimit: (await limitSeconds(products, clock)) / clocked,
    ofKernel: (await limitSeconds(products, clock, byKernel)) / clocked,
    memory: 1024 * maxRSS,
    changes: (scores.table("logitDiff") as number[][][])[COMPARED]!,
  };
}
