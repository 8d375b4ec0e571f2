import type { PairInput } from "../blip.js";
import { NoticeError } from "../errors.js";
import { readPicture } from "../files/picture.js";
import type { AnswerAttention } from "../patching/answer-attention.js";
import { headAttention, patchShares } from "../patching/attention-functions.js";
import type { Nested } from "../patching/scores.js";
import type { PairResult, StudyResult, SweepResult } from "../pool/messages.js";
import { random } from "../random.js";
import type { StudyRun } from "./run.js";
import type { Modality } from "./settings.js";
import { type Shard, WHOLE } from "./shard.js";
import { nameOf, type Stage, type StoredSample, until, type Watch } from "./stage.js";
import type { Row } from "./store.js";

/** So many samples of each data set keep their patterns, for the report's pictures. */
const WITH_PATTERN = 4;

interface SelectedSample extends StoredSample {
  readonly ordinal: number;
}

/** A sample with its pairs, one a modality, and what it lacks for the others. */
interface Work {
  readonly key: SelectedSample;
  readonly modalities: readonly Modality[];
  readonly pairs: readonly PairInput[];
  readonly lacking: readonly Row[];
}

/**
 * Sweeps every selected sample in every modality and at every site. Each is written with all its rows in one transaction, so an
 * interrupted run goes on where it was.
 *
 * @throws NoticeError as the pool; the signal's reason.
 */
export async function patch({ run, watch, pool, signal }: Stage, shard: Shard = WHOLE): Promise<void> {
  const { store, settings } = run;
  const pending = await store.rows<SelectedSample>(
    `SELECT s.*, ordinal FROM selected JOIN samples s USING (dataset, sample) ANTI JOIN patched USING (dataset, sample)
     WHERE ordinal % $1 = $2 ORDER BY dataset, ordinal`,
    [shard.count, shard.index],
  );
  if ((await store.count("SELECT count(*) FROM selected")) === 0)
    throw new NoticeError(
      "options",
      `The run ${run.folder} has no selected samples yet; \`notice select\` makes them.`,
    );
  if (pending.length === 0) return;
  await run.checkModel();
  const bar = watch.begin("patch", pending.length);
  try {
    const workers = await pool();
    const provenance = await run.provenance(workers.backend);
    const sweeps = settings.sites.map((site) => ({ site, direction: settings.direction }));
    const work = pending.map((sample) => workOf(run, sample));
    let done = 0;
    for await (const { key: one, result, error } of workers.study(until(keyed(work), signal), sweeps)) {
      const { dataset, sample } = one.key;
      if (error && error.code !== "worker") throw error;
      const outcome = error ? { pairs: one.pairs.map(() => ({ refused: error.message })), attention: null } : result;
      const attention = await attentionRows(run, one.key, outcome.attention, watch);
      await store.transaction(async () => {
        await insertPairs(run, one, outcome);
        await store.insert("attention", attention);
        await store.insert("patched", [{ dataset, sample, provenance }]);
      });
      for (const { refused } of outcome.pairs) if (refused) watch.warn(`${nameOf(one.key)}: ${refused}`);
      bar.update(++done);
    }
  } finally {
    bar.end();
  }
  signal?.throwIfAborted();
}

const keyed = (work: readonly Work[]) => work.map((one) => ({ key: one, pairs: one.pairs }));

function workOf(run: StudyRun, key: SelectedSample): Work {
  const asked = { image: run.path(key.image), question: key.question, answers: [key.correct, key.incorrect] as const };
  const made = run.settings.modalities.map((modality) => ({ modality, corruption: corruptionOf(run, key, modality) }));
  const lacking = made
    .filter(({ corruption }) => !corruption)
    .map(({ modality }) => ({
      stage: "patch",
      dataset: key.dataset,
      source: key.sample,
      reason: modality === "text" ? "no corrupt question" : "no corrupt image",
      detail: `There is nothing to corrupt the ${modality} with.`,
    }));
  const usable = made.filter(({ corruption }) => corruption);
  return {
    key,
    modalities: usable.map(({ modality }) => modality),
    pairs: usable.map(({ corruption }) => ({ ...asked, ...corruption }) as PairInput),
    lacking,
  };
}

function corruptionOf(run: StudyRun, key: SelectedSample, modality: Modality): Partial<PairInput> | undefined {
  if (modality === "gaussian") {
    const seed = Math.floor(random(run.settings.seed, "noise", key.dataset, key.sample).next() * 2 ** 31);
    return { corruptImage: { noise: { sigma: run.settings.sigma, seed } } };
  }
  if (modality === "image")
    return key.corrupt_image === null ? undefined : { corruptImage: run.path(key.corrupt_image) };
  return key.corrupt_question === null ? undefined : { corruptQuestion: key.corrupt_question };
}

async function insertPairs(run: StudyRun, { key, modalities, lacking }: Work, { pairs }: StudyResult): Promise<void> {
  const { dataset, sample } = key;
  const exclusions = [...lacking];
  const found = pairs.map((pair, i) => ({ pair, place: { dataset, sample, modality: modalities[i]! } }));
  for (const { pair, place } of found)
    if (pair.refused !== undefined)
      exclusions.push({
        stage: "patch",
        dataset,
        source: sample,
        reason: `${place.modality} pair failed`,
        detail: pair.refused,
      });
  await run.store.insert("exclusions", exclusions);
  for (const { pair, place } of found) {
    if (pair.refused !== undefined) continue;
    await run.store.insert("passes", [passRow(pair, place)]);
    for (const scores of pair.scores) await run.store.insert("scores", scoreRows(scores, place));
  }
}

type Place = { readonly dataset: string; readonly sample: string; readonly modality: Modality };

function passRow(
  { scores, tokens, answerToken, incorrectToken }: PairResult & { scores: readonly SweepResult[] },
  place: Place,
): Row {
  const { clean, corrupted } = scores[0]!;
  return {
    ...place,
    tokens,
    answer_token: answerToken,
    incorrect_token: incorrectToken,
    clean_prob: clean.prob,
    clean_logit_diff: clean.logitDiff,
    corrupted_prob: corrupted.prob,
    corrupted_logit_diff: corrupted.logitDiff,
  };
}

/** A row for each place of a sweep's tables; without a token axis `position` is null, without a head axis `head`. */
export function* scoreRows({ site, axes, metrics }: SweepResult, place: Place): Generator<Row> {
  for (const { index, at } of cells(metrics.prob!)) {
    const along = (axis: (typeof axes)[number]) => (axes.includes(axis) ? index[axes.indexOf(axis)]! : null);
    yield {
      ...place,
      site,
      layer: along("layer"),
      head: along("head"),
      position: along("token"),
      prob: at(metrics.prob!),
      prob_diff: at(metrics.probDiff!),
      logit_diff: at(metrics.logitDiff!),
      effect: at(metrics.effect!),
    };
  }
}

interface TableCell {
  readonly index: readonly number[];
  /** Its number in a table of the same shape. */
  at(table: Nested): number | null;
}

function* cells(table: Nested, index: readonly number[] = []): Generator<TableCell> {
  if (Array.isArray(table)) for (const [i, part] of table.entries()) yield* cells(part, [...index, i]);
  else
    yield {
      index,
      at: (other) => index.reduce((part, i) => (part as readonly Nested[])[i]!, other) as number | null,
    };
}

async function attentionRows(
  run: StudyRun,
  { dataset, sample, mask, ordinal }: SelectedSample,
  attention: AnswerAttention | null,
  watch: Watch,
): Promise<Row[]> {
  if (!attention) return [];
  const shares = mask === null ? undefined : await sharesOf(run.path(mask), attention.side, watch);
  return attention.patterns.flatMap((heads, layer) =>
    heads.map((pattern, head) => {
      const { object, outliers } = headAttention(pattern, attention.norms, shares);
      return {
        dataset,
        sample,
        layer,
        head,
        object_mass: object?.mass,
        object_uniform: object?.uniform,
        auroc: object?.auroc,
        outlier_mass: outliers?.mass,
        outlier_uniform: outliers?.uniform,
        pattern: ordinal < WITH_PATTERN ? pattern : undefined,
      };
    }),
  );
}

async function sharesOf(mask: string, side: number, watch: Watch): Promise<number[] | undefined> {
  try {
    return patchShares(await readPicture(mask), side);
  } catch (error) {
    if (!(error instanceof NoticeError)) throw error;
    watch.warn(`${error.message} The sample goes without its mask.`);
    return undefined;
  }
}
