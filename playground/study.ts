import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { mean } from "../src/base/mean.js";
import { random } from "../src/base/random.js";
import { bootstrap } from "../src/patching/circuits.js";
import { headScores } from "../src/study/circuits.js";
import { StudyRun } from "../src/study/run.js";
import { checksum } from "./embedded.js";
import { TASKS } from "./scenes.js";

// `npx tsx playground/study.ts RUN` writes what the page knows of the heads over many scenes, from a run of the
// embedded model (`npm start` makes runs/scenes).

const MODEL = "weights/scenes";
const WEIGHTS = "model.safetensors";
const SITE = "text.cross.z";
const RESAMPLES = 2000;

/** Of a data set: [layer][head] the mean effect and its 95% interval, over so many samples. */
async function headsOf(run: StudyRun, dataset: string) {
  const { samples } = await headScores(run, { dataset, modality: "image", site: SITE }, { metric: "effect" });
  const counted = samples.filter((sample) => sample.flat().every((score) => score !== null));
  const heads = counted[0]!.map((line, layer) =>
    line.map((_, head) => {
      const own = counted.map((sample) => sample[layer]![head]!);
      return [mean(own), ...bootstrap(own, RESAMPLES, random(0, dataset, layer, head))].map(rounded);
    }),
  );
  return [dataset, { samples: counted.length, heads }] as const;
}

const rounded = (value: number) => Math.round(1e4 * value) / 1e4 + 0;

using run = await StudyRun.reopen(process.argv[2] ?? "runs/scenes", {});
const bytes = await readFile(join(MODEL, WEIGHTS));
const weights = { file: WEIGHTS, bytes: bytes.length, checksum: checksum(bytes) };
const datasets = Object.fromEntries(await Promise.all(TASKS.map((task) => headsOf(run, task))));
await writeFile("playground/study.json", `${JSON.stringify({ weights, site: SITE, datasets })}\n`);
