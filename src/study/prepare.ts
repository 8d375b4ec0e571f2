import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { NoticeError } from "../base/errors.js";
import { isTable, openDataset } from "../data/datasets.js";
import { worldOf } from "../data/scenes/scene.js";
import { writeScenes } from "../data/scenes/write.js";
import { SCENES } from "../files/run-files.js";
import { parseSite } from "../patching/sites.js";
import { checkForm } from "./form.js";
import { Intake } from "./intake.js";
import { forgetLeftOut, isFinished } from "./queries/samples.js";
import type { Stage } from "./stage.js";
import { wordingOf } from "./wording.js";

/** What an interrupted drawing of them leaves. */
const LEFT = /^scenes\.partial-/;

/**
 * Reads every data set of the run into samples and exclusions, each in one transaction.
 *
 * @throws NoticeError as the data sets; `options` where one has no sample, with why.
 */
export async function prepare(stage: Stage): Promise<void> {
  const { run, watch, signal } = stage;
  await run.keep();
  const { data, dataset, seed, template } = run.settings;
  for (const name of dataset) if (name !== SCENES) openDataset(name, data);
  const { architecture } = await run.modelConfig();
  const as = checkForm(architecture, run.settings.model, run.settings.as);
  await run.settle();
  for (const site of run.settings.sites) parseSite({ architecture }, site);
  const { pieces } = await wordingOf(run);
  await forgetLeftOut(run.store);
  for (const name of dataset) {
    signal?.throwIfAborted();
    if (await isFinished(run.store, "prepare", name)) continue;
    const read = await datasetOf(stage, name);
    const bar = watch.begin(`prepare ${name}`, 0);
    try {
      const intake = new Intake(run);
      await run.store.transaction(async () => {
        await intake.takeAll(read({ pieces, seed, as, template }), bar.update, signal);
        if (intake.samples === 0) return;
        await run.store.insert("exclusions", intake.sharedPictures());
        await run.store.insert("finished", [{ stage: "prepare", dataset: name }]);
      });
      if (intake.samples === 0)
        throw new NoticeError("options", `The data set ${name} has no sample: ${intake.whatIsLeftOut()}`);
      for (const remark of intake.remarks()) watch.warn(remark);
    } finally {
      bar.end();
    }
  }
}

/** A data set by its name in the settings; the scenes are drawn first. */
async function datasetOf({ run, watch, openAhead }: Stage, name: string) {
  const { data, dataset, n, candidates, seed } = run.settings;
  if (name !== SCENES) {
    const isOne = data === undefined || dataset.length === 1 || isTable(name);
    return openDataset(name, isOne ? data : await among(data, name));
  }
  const folder = join(run.folder, SCENES);
  const there = await readdir(folder).catch(() => undefined);
  if (!there) {
    for (const left of await readdir(run.folder))
      if (LEFT.test(left)) await rm(join(run.folder, left), { recursive: true, force: true });
    const count = candidates ?? 2 * n;
    openAhead?.();
    const bar = watch.begin("draw scenes", 3 * count);
    try {
      await writeScenes(folder, { count, seed: worldOf(seed), progress: bar.update });
    } finally {
      bar.end();
    }
  }
  return openDataset(join(folder, "pairs.jsonl"));
}

/** Where a data set lies among several: under its name, or under the one that `notice scenes` writes faces to. */
async function among(data: string, name: string): Promise<string> {
  const names = await readdir(data).catch((): string[] => []);
  const other = { faces: "facial-expressions" }[name];
  return join(data, other !== undefined && !names.includes(name) && names.includes(other) ? other : name);
}
