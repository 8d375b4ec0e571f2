import type { NoticeErrorCode } from "../base/errors.js";
import { isRight } from "../data/sample.js";
import { checkPosition } from "./position.js";
import { type StoredSample, unasked } from "./queries/samples.js";
import { nameOf, type Round, type Stage, throughSamples } from "./stage.js";

/**
 * Asks the model every clean question, or those of a shard, and stores the answers. Only correctly answered samples can
 * be selected. A caption may go on with many words, so of the beginning of one the answer is the likelier of its two.
 * Questions that were answered before are not asked again.
 *
 * @throws NoticeError `options` where no question has the position that circuits are read at; as `throughSamples`.
 */
export async function evaluate(stage: Stage): Promise<void> {
  const { run, watch, shard } = stage;
  const pending = await unasked(run.store, run.settings.candidates, shard);
  if (pending.length === 0) return;
  await checkPosition(run, "samples");
  const askedOf = (key: StoredSample) => ({ image: run.path(key.image), question: key.question });
  const isBeginning = ({ answer_place }: StoredSample) => answer_place === "last";
  const common: Pick<Round<StoredSample, "ask" | "choose">, "name" | "isOfSample" | "rowsOf"> = {
    name: "evaluate",
    isOfSample: ({ code }) => OF_THE_SAMPLE.includes(code),
    rowsOf(key, { output, error }, provenance) {
      const { dataset, sample, correct } = key;
      if (!error) {
        const is_correct = isRight(output.answer, correct);
        return { answers: [{ dataset, sample, answer: output.answer, is_correct, provenance }] };
      }
      watch.warn(`${nameOf(key)}: ${error.message}`);
      const reason = error.code === "worker" ? "process died" : `refused: ${error.code}`;
      return { exclusions: [{ stage: "evaluate", dataset, source: sample, reason, detail: error.message }] };
    },
  };
  const asked = pending.filter((key) => !isBeginning(key));
  const begun = pending.filter(isBeginning);
  await throughSamples(stage, {
    ...common,
    job: "ask",
    work: asked.map((key) => ({ key, input: { asked: askedOf(key) } })),
  });
  await throughSamples(stage, {
    ...common,
    job: "choose",
    work: begun.map((key) => ({ key, input: { asked: askedOf(key), answers: [key.correct, key.incorrect] } })),
  });
}

const OF_THE_SAMPLE: readonly NoticeErrorCode[] = ["image", "tokens", "worker"];
