import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { copyFile, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadBlip } from "../src/patching/load-model.js";
import type { Backend } from "../src/platform/backend.js";
import { writeBaseCheckpoint } from "./base-checkpoint.js";

// `npm run bench:study`: a study of five pairs at blip-vqa-base size, as anybody would run it, with the most memory
// that its processes held at once beside the budget.
//   --backend NAME (wasm); --memory SIZE (6GB); --workers N (1); --checkpoint FOLDER instead of random weights;
//   --sites LIST

const PAIRS = 5;
const PHOTOGRAPHS = fileURLToPath(new URL("../test/fixtures/photographs", import.meta.url));
const MAIN = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));

const { values: options } = parseArgs({
  options: {
    backend: { type: "string", default: "wasm" },
    memory: { type: "string", default: "6GB" },
    workers: { type: "string", default: "1" },
    sites: { type: "string", default: "text.cross.z,text.resid_post" },
    checkpoint: { type: "string" },
  },
});

const scratch = await mkdtemp(join(tmpdir(), "notice-study-"));
try {
  const model = options.checkpoint ?? join(scratch, "model");
  if (!options.checkpoint) await writeSpeakingCheckpoint(model);
  await writePairs(model, scratch);
  const { backend, memory, workers, sites } = options;
  const begun = performance.now();
  const peak = await run([
    ...["study", "--out", join(scratch, "run"), "--model", model, "--dataset", join(scratch, "pairs.jsonl")],
    ...[
      "--sites",
      sites,
      "--modalities",
      "image",
      "--position",
      "4",
      "--backend",
      backend,
      "--memory",
      memory,
      "--workers",
      workers,
    ],
  ]);
  const seconds = Math.round((performance.now() - begun) / 1e3);
  console.log(`${PAIRS} pairs on ${backend}: ${seconds} s, peak ${(peak / 1e9).toFixed(2)} GB of ${memory}`);
} finally {
  await rm(scratch, { recursive: true, force: true });
}

/** Random weights whose tokens are words, so that what they say can be asked for. */
async function writeSpeakingCheckpoint(folder: string): Promise<void> {
  await writeBaseCheckpoint(folder);
  const file = join(folder, "vocab.txt");
  await writeFile(file, readFileSync(file, "utf8").replace(/\[unused(\d+)\]/g, "word$1"));
}

/** Pairs of photographs of which random weights say the first: what is right is what the model says. */
async function writePairs(model: string, folder: string): Promise<void> {
  const names = (await readdir(PHOTOGRAPHS)).filter((name) => name.endsWith(".jpg"));
  for (const name of names) await copyFile(join(PHOTOGRAPHS, name), join(folder, name));
  using blip = await loadBlip(model, { backend: options.backend as Backend });
  const lines: string[] = [];
  for (let i = 0; i < PAIRS; i++) {
    const [image, corruptImage] = [names[i % names.length]!, names[(i + 1) % names.length]!];
    const question = `is this ${["star", "square", "circle", "heart", "dog"][i]} red or blue?`;
    const { answer, top } = await blip.ask({ image: join(folder, image), question });
    const incorrect =
      top.find(({ token }) => /^[a-z]+\d*$/.test(token) && !`${answer} `.startsWith(`${token} `))?.token ?? "red";
    lines.push(JSON.stringify({ id: `pair-${i}`, image, corruptImage, question, answers: [answer, incorrect] }));
  }
  await writeFile(join(folder, "pairs.jsonl"), `${lines.join("\n")}\n`);
}

/** Runs the command; resolves with the largest sum of resident bytes of it and the processes under it. */
function run(args: string[]): Promise<number> {
  const child = spawn(process.execPath, ["--import", "tsx", MAIN, ...args], { stdio: "inherit" });
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, residentBytes(child.pid!));
  }, 200);
  return new Promise((resolve, reject) =>
    child.on("close", (code) => {
      clearInterval(timer);
      if (code === 0) resolve(peak);
      else reject(new Error(`the study ended with exit code ${code}`));
    }),
  );
}

/** Linux only: /proc says who is whose child. */
function residentBytes(pid: number): number {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean);
    return children.reduce((sum, child) => sum + residentBytes(Number(child)), 4096 * pages);
  } catch {
    return 0; // it has ended
  }
}
