import type { NoticeErrorCode } from "../base/errors.js";
import { checkPosition } from "./position.js";
import type { StudyRun } from "./run.js";
import { nameOf, type Stage, type StoredSample, throughSamples } from "./stage.js";

/** Samples to ask about that have not been asked about. */
export async function unasked({ store, settings }: StudyRun): Promise<StoredSample[]> {
  return store.rows<StoredSample>(
    `SELECT s.* FROM (SELECT *, row_number() OVER (PARTITION BY dataset ORDER BY draw, sample) AS place FROM samples) s
     ANTI JOIN answers USING (dataset, sample)
     WHERE place <= $1 AND NOT EXISTS (
       FROM exclusions e WHERE e.stage = 'evaluate' AND e.dataset = s.dataset AND e.source = s.sample)
     ORDER BY dataset, draw, sample`,
    [settings.candidates ?? 2 ** 31 - 1],
  );
}

/**
 * Asks the model every clean question and keeps what it answers; the samples that it answers rightly are those to select from.
 * What was asked before is not asked again.
 *
 * @throws NoticeError `options` where no question has the position that circuits are read at; as `throughSamples`.
 */
export async function evaluate(stage: Stage): Promise<void> {
  const { run, watch } = stage;
  const pending = await unasked(run);
  if (pending.length === 0) return;
  await checkPosition(run, "samples");
  await throughSamples(stage, {
    name: "evaluate",
    job: "ask",
    work: pending.map((key) => ({ key, input: { asked: { image: run.path(key.image), question: key.question } } })),
    isOfSample: ({ code }) => OF_THE_SAMPLE.includes(code),
    rowsOf(key, { output, error }, provenance) {
      const { dataset, sample, correct } = key;
      if (!error) {
        const is_correct = plain(output.answer) === plain(correct);
        return { answers: [{ dataset, sample, answer: output.answer, is_correct, provenance }] };
      }
      watch.warn(`${nameOf(key)}: ${error.message}`);
      const reason = error.code === "worker" ? "process died" : `refused: ${error.code}`;
      return { exclusions: [{ stage: "evaluate", dataset, source: sample, reason, detail: error.message }] };
    },
  });
}

const OF_THE_SAMPLE: readonly NoticeErrorCode[] = ["image", "tokens", "worker"];

const plain = (answer: string) => answer.trim().toLowerCase();
