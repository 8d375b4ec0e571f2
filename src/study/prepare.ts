import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { NoticeError } from "../base/errors.js";
import { random } from "../base/random.js";
import { openDataset } from "../data/datasets.js";
import type { Prepared, Sample } from "../data/sample.js";
import { writeScenes } from "../data/scenes/write.js";
import { loadTokenizer } from "../words/tokenizer.js";
import { isFinished, sampleNames } from "./queries/samples.js";
import type { StudyRun } from "./run.js";
import type { Stage } from "./stage.js";
import type { Row } from "./tables.js";

/** The name of the generated data sets. */
const SCENES = "scenes";

/** What an interrupted drawing of them leaves. */
const LEFT = /^scenes\.partial-/;

/** Scenes of a seed below this one would meet those that the shipped checkpoint learned from. */
const FIRST_SEED = 1000;

/** Rows that are written together. */
const CHUNK = 1000;

/**
 * Reads every data set of the run into samples and exclusions, each in one transaction.
 *
 * @throws NoticeError as the data sets; `options` where one has no sample.
 */
export async function prepare({ run, watch, signal }: Stage): Promise<void> {
  const pieces = await pieceCounter(run);
  for (const name of run.settings.dataset) {
    signal?.throwIfAborted();
    if (await isFinished(run.store, "prepare", name)) continue;
    const { seed, template } = run.settings;
    const dataset = await datasetOf(run, name, watch);
    const bar = watch.begin(`prepare ${name}`, 0);
    try {
      await run.store.transaction(async () => {
        const found = await insertAll(run, dataset({ pieces, seed, template }), bar.update, signal);
        if (found === 0)
          throw new NoticeError("options", `The data set ${name} has no sample: all that is in it was left out.`);
        await run.store.insert("finished", [{ stage: "prepare", dataset: name }]);
      });
    } finally {
      bar.end();
    }
  }
}

type Context = { readonly pieces: (text: string) => number; readonly seed: number; readonly template?: string };

/** A data set by its name in the settings; the scenes are drawn first. */
async function datasetOf(run: StudyRun, name: string, watch: Stage["watch"]) {
  const { data, dataset, n, candidates, seed } = run.settings;
  if (name !== SCENES) {
    return openDataset(name, data === undefined || dataset.length === 1 ? data : await among(data, name));
  }
  const folder = join(run.folder, SCENES);
  const there = await readdir(folder).catch(() => undefined);
  if (!there) {
    for (const left of await readdir(run.folder))
      if (LEFT.test(left)) await rm(join(run.folder, left), { recursive: true, force: true });
    const count = candidates ?? 2 * n;
    const bar = watch.begin("draw scenes", 3 * count);
    try {
      await writeScenes(folder, { count, seed: FIRST_SEED + seed, progress: bar.update });
    } finally {
      bar.end();
    }
  }
  return openDataset(join(folder, "pairs.jsonl"));
}

/** Where a data set lies among several: under its name, or under the one that `notice scenes` writes faces to. */
async function among(data: string, name: string): Promise<string> {
  const names = await readdir(data).catch(() => [] as string[]);
  const other = { faces: "facial-expressions" }[name];
  return join(data, other !== undefined && !names.includes(name) && names.includes(other) ? other : name);
}

async function insertAll(
  run: StudyRun,
  prepared: AsyncIterable<Prepared>,
  onProgress: (done: number) => void,
  signal?: AbortSignal,
): Promise<number> {
  const { store, settings } = run;
  const known = new Set(await sampleNames(store));
  const before = known.size;
  const rows: { samples: Row[]; exclusions: Row[] } = { samples: [], exclusions: [] };
  const flush = async () => {
    await store.insert("samples", rows.samples.splice(0));
    await store.insert("exclusions", rows.exclusions.splice(0));
  };
  let read = 0;
  for await (const { sample, excluded } of prepared) {
    signal?.throwIfAborted();
    if (excluded) rows.exclusions.push({ stage: "prepare", ...excluded });
    else if (known.has(`${sample.dataset}/${sample.id}`))
      rows.exclusions.push({
        stage: "prepare",
        dataset: sample.dataset,
        source: sample.id,
        reason: "same name twice",
        detail: "Another sample has this name.",
      });
    else {
      known.add(`${sample.dataset}/${sample.id}`);
      rows.samples.push(rowOf(run, sample, settings.seed));
    }
    if (++read % CHUNK === 0) await flush();
    onProgress(read);
  }
  await flush();
  return known.size - before;
}

function rowOf(run: StudyRun, sample: Sample, seed: number): Row {
  const { id, dataset, group, image, question, answers, corruptImage, corruptQuestion, mask } = sample;
  const stored = (path: string | undefined) => (path === undefined ? undefined : run.stored(path));
  return {
    dataset,
    sample: id,
    draw: random(seed, "draw", dataset, id).next(),
    sample_group: group,
    image: run.stored(image),
    corrupt_image: stored(corruptImage),
    question,
    corrupt_question: corruptQuestion,
    correct: answers[0],
    incorrect: answers[1],
    mask: stored(mask),
  };
}

/** Counts word pieces as the model's tokenizer makes them. */
async function pieceCounter(run: StudyRun): Promise<Context["pieces"]> {
  const tokenizer = await loadTokenizer(await run.modelFiles());
  const { architecture, config } = await run.modelConfig();
  const maxTokens = architecture.intake.maxTokens(config);
  return (text) => tokenizer.encode(text, { maxTokens }).ids.length - 2;
}
