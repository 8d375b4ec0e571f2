import { random } from "../base/random.js";
import type { PairAsked } from "../jobs/patch-pairs.js";
import type { PairInput } from "../patching/inputs.js";
import type { StoredSample } from "./queries/samples.js";
import type { StudyRun } from "./run.js";
import type { Modality, Settings } from "./settings.js";
import type { Row } from "./tables.js";

/** A sample's pair in a modality. */
export interface ModalityPair {
  readonly modality: Modality;
  readonly input: PairInput;
}

/** A sample's pairs, one a modality, and an exclusion for each that it lacks something for. */
export function pairsOf(run: StudyRun, key: StoredSample): { pairs: readonly ModalityPair[]; lacking: readonly Row[] } {
  const asked = {
    image: run.path(key.image),
    question: key.question,
    answers: [key.correct, key.incorrect] as const,
    answerPlace: key.answer_place ?? undefined,
  };
  const pairs: ModalityPair[] = [];
  const lacking: Row[] = [];
  for (const modality of run.settings.modalities) {
    const corruption = corruptionOf(run, key, modality);
    if (corruption) pairs.push({ modality, input: { ...asked, ...corruption } as PairInput });
    else
      lacking.push({
        stage: "patch",
        dataset: key.dataset,
        source: key.sample,
        reason: modality === "text" ? "no corrupt question" : "no corrupt image",
        detail: `There is nothing to corrupt the ${modality} with.`,
      });
  }
  return { pairs, lacking };
}

function corruptionOf(run: StudyRun, key: StoredSample, modality: Modality): Partial<PairInput> | undefined {
  if (modality === "gaussian") {
    const seed = Math.floor(random(run.settings.seed, "noise", key.dataset, key.sample).next() * 2 ** 31);
    return { corruptImage: { noise: { sigma: run.settings.sigma, seed } } };
  }
  if (modality === "image")
    return key.corrupt_image === null ? undefined : { corruptImage: run.path(key.corrupt_image) };
  return key.corrupt_question === null ? undefined : { corruptQuestion: key.corrupt_question };
}

/** Options of attribution. For queries and keys the softmax is recomputed; otherwise their estimates say little. */
export function attributionOf({ sites, direction, steps }: Settings): PairAsked["attribution"] {
  return { sites, direction, steps, qkFix: true };
}
