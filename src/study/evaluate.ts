import type { NoticeErrorCode } from "../base/errors.js";
import { checkPosition } from "./position.js";
import type { StudyRun } from "./run.js";
import { nameOf, type Stage, type StoredSample, until } from "./stage.js";

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
 * @throws NoticeError `options` where no question has the position that circuits are read at; as the pool, and what is refused for another reason than the sample's own; the signal's reason.
 */
export async function evaluate({ run, watch, pool, signal }: Stage): Promise<void> {
  const { store } = run;
  const pending = await unasked(run);
  if (pending.length === 0) return;
  await checkPosition(run, "samples");
  await run.checkModel();
  const bar = watch.begin("evaluate", pending.length);
  try {
    const workers = await pool();
    const provenance = await run.provenance(workers.backend);
    const questions = pending.map((sample) => ({
      key: sample,
      image: run.path(sample.image),
      question: sample.question,
    }));
    let done = 0;
    for await (const { key, answer, error } of workers.ask(until(questions, signal))) {
      if (error && !OF_THE_SAMPLE.includes(error.code)) throw error;
      const { dataset, sample } = key;
      await store.transaction(async () => {
        if (error) {
          const reason = error.code === "worker" ? "process died" : `refused: ${error.code}`;
          const detail = error.message;
          await store.insert("exclusions", [{ stage: "evaluate", dataset, source: sample, reason, detail }]);
          watch.warn(`${nameOf(key)}: ${detail}`);
        } else {
          const isCorrect = plain(answer.answer) === plain(key.correct);
          await store.insert("answers", [
            { dataset, sample, answer: answer.answer, is_correct: isCorrect, provenance },
          ]);
        }
      });
      bar.update(++done);
    }
  } finally {
    bar.end();
  }
  signal?.throwIfAborted();
}

const OF_THE_SAMPLE: readonly NoticeErrorCode[] = ["image", "tokens", "worker"];

const plain = (answer: string) => answer.trim().toLowerCase();
