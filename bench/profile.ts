import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Backend } from "../src/platform/backend.js";
import { BASE_ARCHITECTURES, type BaseArchitecture, writeBaseCheckpoint } from "./base-checkpoint.js";
import { writeDecoderPair, writeSmolVlm } from "./decoder-checkpoint.js";
import type { KernelTime, Profile } from "./kernel-times.js";
import { figures, here, withScratch } from "./processes.js";

// `npm run profile`: where the time of a sweep goes, kernel by kernel, on one core.
//   --model NAME    blip-vqa, blip-itm (base size, every third layer) or smolvlm (SmolVLM-256M's shape) (blip-vqa)
//   --backend B     node or wasm (wasm)
//   --images N      of smolvlm: 64 or 1088 image tokens (64)
//   --asked N       of smolvlm: so many of the question's eight tokens (1)
//   --rows N        so many of the longest, by kernel and shapes (15)

const { values: options } = parseArgs({
  options: {
    model: { type: "string", default: "blip-vqa" },
    backend: { type: "string", default: "wasm" },
    images: { type: "string", default: "64" },
    asked: { type: "string", default: "1" },
    rows: { type: "string", default: "15" },
  },
});

const total = (times: readonly Pick<KernelTime, "seconds">[]) => times.reduce((sum, { seconds }) => sum + seconds, 0);

await withScratch(async (scratch) => {
  const { seconds, kernels } = await profiled(scratch, options.backend as Backend);
  const within = total(kernels);
  console.log(
    `${options.model}, ${options.backend}: ${seconds.toFixed(1)} s, of which ${within.toFixed(1)} s in kernels`,
  );
  const names = [...new Set(kernels.map(({ kernel }) => kernel))];
  const byKernel = names.map((name) => {
    const own = kernels.filter(({ kernel }) => kernel === name);
    return { kernel: name, calls: own.reduce((sum, { calls }) => sum + calls, 0), seconds: total(own) };
  });
  print(byKernel, seconds);
  print(kernels, seconds);
});

async function profiled(scratch: string, backend: Backend): Promise<Profile> {
  const model = join(scratch, "model");
  const script = (name: string, ...args: string[]) =>
    figures<Profile>(process.execPath, ["--import", "tsx", join(here, name), ...args, "--profile"], 0);
  if (BASE_ARCHITECTURES.includes(options.model as BaseArchitecture)) {
    await writeBaseCheckpoint(model, options.model as BaseArchitecture);
    return script("sweep-ours.ts", model, backend);
  }
  await writeSmolVlm(model, "small");
  const pair = join(scratch, "pair");
  await mkdir(pair);
  await writeDecoderPair(pair, model, { split: Number(options.images) > 64, asked: Number(options.asked) });
  return script("decoder-ours.ts", model, pair, backend);
}

function print(times: readonly (Pick<KernelTime, "seconds"> & object)[], all: number): void {
  const longest = [...times].sort((one, other) => other.seconds - one.seconds).slice(0, Number(options.rows));
  console.table(
    longest.map((time) => ({ ...time, seconds: time.seconds.toFixed(2), share: (time.seconds / all).toFixed(3) })),
  );
}
