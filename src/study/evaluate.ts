import type { NoticeErrorCode } from "../base/errors.js";
import { checkPosition } from "./position.js";
import { unasked } from "./queries/samples.js";
import { nameOf, type Stage, throughSamples } from "./stage.js";

/**
 * Asks the model every clean question and stores the answers. Only correctly answered samples can be selected.
 * Questions that were answered before are not asked again.
 *
 * @throws NoticeError `options` where no question has the position that circuits are read at; as `throughSamples`.
 */
export async function evaluate(stage: Stage): Promise<void> {
  const { run, watch } = stage;
  const pending = await unasked(run.store, run.settings.candidates);
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
