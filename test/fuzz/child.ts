import { writeSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import * as tf from "@tensorflow/tfjs-core";
import { random } from "../../src/base/random.js";
import { judge, type Verdict } from "./judge.js";
import { type Kind, keysOf, type Outcome } from "./kind.js";

// A process that does a batch of cases of one kind, one after the other, and says on its fourth stream which it begins
// and what came of it, so that whoever reads knows which case a process did not come back from. Writes are synchronous.

/** What a process is told, as its argument. */
export interface Batch {
  /** The module that has `KINDS`. */
  readonly module: string;
  readonly kind: string;
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  /** Made by the kind's `prepare`; empty: make it, and do no case. */
  readonly shared: string;
  readonly prepares?: boolean;
  readonly limits: Limits;
}

/** Beyond which it counts. */
export interface Limits {
  readonly caseMs: number;
  /** What a case may take beside what the process has. */
  readonly caseBytes: number;
  /** What a batch may keep. */
  readonly keptBytes: number;
}

/** What it says. */
export type Message =
  | { readonly begins: number }
  | { readonly ends: number; readonly found: Outcome | Verdict }
  | { readonly grown: { readonly bytes: number; readonly tensors: number } };

/** Looks at what is held, until one finds no less than the one before. */
const MOST_LOOKS = 20;
const LOOK_MS = 20;
const SMALL_BYTES = 1e6;

const say = (message: Message) => writeSync(3, `${JSON.stringify(message)}\n`);

const { module, kind, seed, from, to, shared, prepares, limits } = JSON.parse(process.argv[2]!) as Batch;
const { KINDS } = (await import(module)) as { readonly KINDS: readonly Kind[] };
const { open, prepare } = KINDS.find(({ name }) => name === kind)!;
// Nobody is asked over a network, and no error adds its stack.
Object.assign(process.env, { HF_HUB_OFFLINE: "1", NOTICE_DEBUG: "" });
if (prepares) await prepare?.(shared);
else await doCases();
process.exit();

async function doCases(): Promise<void> {
  const cases = await open(shared);
  // What is loaded and kept once is not growth: counted from a third of the batch on.
  const settled = from + Math.ceil((to - from) / 3);
  let before = await held();
  for (let number = from; number < to; number++) {
    if (number === settled) before = await held();
    say({ begins: number });
    const peak = process.resourceUsage().maxRSS;
    const found = await judge(() => cases.run(random(...keysOf(seed, kind, number))));
    const taken = 1024 * (process.resourceUsage().maxRSS - peak);
    const large = taken > limits.caseBytes && typeof found === "string";
    say({ ends: number, found: large ? { fault: "memory", message: `took ${Math.round(taken / 1e6)} MB` } : found });
    // A peak hides all lower ones: the next case begins in another process.
    if (large) return;
  }
  const after = await held();
  say({ grown: { bytes: after.bytes - before.bytes, tensors: after.tensors - before.tensors } });
  await cases.close?.();
}

/** What is held for good: what a stream that ends or a sweep in another thread still frees is not. */
async function held(): Promise<{ bytes: number; tensors: number }> {
  let bytes = Number.POSITIVE_INFINITY;
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    globalThis.gc?.();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    const settled = heapUsed + arrayBuffers > bytes - SMALL_BYTES;
    bytes = Math.min(bytes, heapUsed + arrayBuffers);
    if (settled && looks > 1) break;
    await setTimeout(LOOK_MS);
  }
  return { bytes, tensors: tf.engine().state.numTensors };
}
