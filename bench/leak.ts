import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as tf from "@tensorflow/tfjs-core";
import { readPairs } from "../src/data/pairs.js";
import { writeScenes } from "../src/data/scenes/write.js";
import { edit } from "../src/patching/edits.js";
import type { PairInput } from "../src/patching/inputs.js";
import { loadBlip } from "../src/patching/load-model.js";
import { sweep } from "../src/patching/sweep.js";
import type { Backend } from "../src/platform/backend.js";
import { lineThrough } from "./line.js";

// `npm run bench:leak`: one process sweeps pair after pair on weights/scenes, cross- and self-attention in turn; prints
// by how much its memory grows a pair once it is warm. --edits: runs edited passes instead. --pairs N (10,000),
// --backend NAME.

const { values } = parseArgs({
  options: { pairs: { type: "string", default: "10000" }, backend: { type: "string" }, edits: { type: "boolean" } },
});
const count = Number(values.pairs);
const WARM_UP = Math.min(500, Math.floor(count / 4));
const SAMPLES = 100;
const SITES = ["text.cross.z", "text.self.z"] as const;
const EDITS = [
  edit("text.cross.z", { layer: 0, head: 1, position: [0, 2] }, tf.zerosLike),
  edit("text.resid_post", { layer: 1 }, (value) => tf.mul(value, 1.1)),
  edit("decoder.self.v", { layer: 0 }, tf.neg),
];

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

interface Sample {
  readonly x: number;
  /** Resident bytes. */
  readonly y: number;
}

const folder = await mkdtemp(join(tmpdir(), "notice-leak-"));
try {
  await writeScenes(join(folder, "scenes"), { count: 30, seed: 1000 });
  const pairs: PairInput[] = [];
  for await (const { pair } of await readPairs(join(folder, "scenes", "pairs.jsonl"), "image"))
    if (pair) pairs.push(pair);
  await measure(pairs);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function measure(pairs: readonly PairInput[]): Promise<void> {
  using blip = await loadBlip(fileURLToPath(new URL("../weights/scenes", import.meta.url)), {
    backend: values.backend as Backend | undefined,
  });
  const samples: Sample[] = [];
  const before = tf.memory().numTensors;
  const every = Math.ceil((count - WARM_UP) / SAMPLES);
  for (let done = 1; done <= count; done++) {
    const input = pairs[done % pairs.length]!;
    if (values.edits) {
      using run = await blip.run({ image: input.image, question: input.question, edits: EDITS });
      run.at("text.self.z", { layer: 1 }).dispose();
    } else {
      using pair = await blip.pair(input);
      await sweep(pair, { site: SITES[done % SITES.length]! });
    }
    if (done < WARM_UP || (done - WARM_UP) % every !== 0) continue;
    collect();
    samples.push({ x: done, y: process.memoryUsage.rss() });
  }
  const line = lineThrough(samples);
  const slope = line(1) - line(0);
  const off = Math.sqrt(samples.reduce((sum, { x, y }) => sum + (y - line(x)) ** 2, 0) / samples.length);
  const [first, last] = [samples[0]!, samples.at(-1)!];
  console.log(
    `${blip.backend}: ${count} ${values.edits ? "edited passes" : "pairs"}; RSS ${megabytes(first.y)} MB after ${first.x}, ${megabytes(last.y)} MB after ${last.x}: ` +
      `${slope.toFixed(0)} bytes each by least squares, samples ${megabytes(off)} MB off the line; ` +
      `${tf.memory().numTensors - before} tensors left`,
  );
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
