import { NoticeError } from "../base/errors.js";
import { readPicture } from "../files/picture.js";
import { balanced, grouped } from "./balanced.js";
import { pairsOf } from "./pairs.js";
import { answeredRightly, isFinished, type StoredSample, unasked } from "./queries/samples.js";
import type { StudyRun } from "./run.js";
import { nameOf, type Stage } from "./stage.js";
import type { Row } from "./tables.js";

/**
 * Chooses up to `n` samples of each data set among those answered rightly, as evenly over its groups as they allow.
 * Which ones follows from the seed. A sample with nothing to patch, or whose pictures cannot be opened, is left out,
 * and the next of its group takes its place.
 *
 * @throws NoticeError `options` where questions are not asked yet, or none was answered rightly; the signal's reason.
 */
export async function select({ run, watch, signal }: Stage): Promise<void> {
  const { store, settings } = run;
  if (await isFinished(store, "select")) return;
  let unprepared: string | undefined;
  for (const name of settings.dataset) if (!(await isFinished(store, "prepare", name))) unprepared ??= name;
  const left = (await unasked(store, settings.candidates)).length;
  if (unprepared !== undefined || left > 0) {
    const what = unprepared === undefined ? `${left} questions are not asked yet` : `${unprepared} is not prepared yet`;
    throw new NoticeError("options", `${what}, and a selection stays as it is; finish \`notice evaluate\` first.`);
  }
  const right = await answeredRightly(store);
  if (right.length === 0)
    throw new NoticeError(
      "options",
      `${settings.model} answered no question of the run ${run.folder} rightly, so there is nothing to patch.`,
    );
  const selected: Row[] = [];
  const exclusions: Row[] = [];
  const isSound = async (sample: StoredSample) => {
    signal?.throwIfAborted();
    const fault = await faultOf(run, sample);
    if (!fault) return true;
    watch.warn(`${nameOf(sample)}: ${fault.detail}`);
    exclusions.push({ stage: "select", dataset: sample.dataset, source: sample.sample, ...fault });
    return false;
  };
  for (const candidates of grouped(right, ({ dataset }) => dataset).values()) {
    const chosen = await balanced(candidates, settings.n, isSound);
    selected.push(...chosen.map(({ dataset, sample }, ordinal) => ({ dataset, sample, ordinal })));
  }
  if (selected.length === 0)
    throw new NoticeError(
      "options",
      `None of the ${right.length} samples answered rightly can be patched: ${exclusions[0]!.detail}`,
    );
  await store.transaction(async () => {
    await store.insert("exclusions", exclusions);
    await store.insert("selected", selected);
    await store.insert("finished", [{ stage: "select", dataset: "" }]);
  });
}

/** Why a sample would be lost when it is patched. */
async function faultOf(run: StudyRun, sample: StoredSample): Promise<Row | undefined> {
  const { pairs, lacking } = pairsOf(run, sample);
  if (pairs.length === 0) return { reason: `${lacking[0]!.reason}`, detail: `${lacking[0]!.detail}` };
  const pictures = pairs.flatMap(({ input }) => [input.image, input.corruptImage]);
  try {
    for (const picture of new Set(pictures)) if (typeof picture === "string") await readPicture(picture);
    return undefined;
  } catch (error) {
    if (!(error instanceof NoticeError)) throw error;
    return { reason: "unreadable image", detail: error.message };
  }
}
