import type { JobName, Jobs } from "../../src/jobs/jobs.js";
import { ANSWERS, CLEAN_IMAGE, CLEAN_QUESTION, CORRUPT_IMAGE, CORRUPT_QUESTION } from "./samples.js";

export const PAIR = { image: CLEAN_IMAGE, corruptImage: CORRUPT_IMAGE, question: CLEAN_QUESTION, answers: ANSWERS };
const text = { image: CLEAN_IMAGE, question: CLEAN_QUESTION, corruptQuestion: CORRUPT_QUESTION, answers: ANSWERS };
const heads = [{ site: "text.cross.z", layer: 0, head: 1 } as const];
const sender = { ...heads[0]!, position: "answer" } as const;
const sites = ["text.cross.z", "text.resid_post"] as const;

/** An input of every job, for the fixture `narrow`. */
export const INPUTS: { readonly [Name in JobName]: Jobs[Name]["input"] } = {
  ask: { asked: PAIR, top: 2 },
  answers: { images: [CLEAN_IMAGE, CORRUPT_IMAGE], questions: [CLEAN_QUESTION, CLEAN_QUESTION] },
  choose: { asked: { image: CLEAN_IMAGE, question: CLEAN_QUESTION }, answers: ANSWERS },
  sweep: { pair: PAIR, sweeps: [{ site: "text.cross.z" }, { site: "text.resid_post", direction: "noise" }] },
  attribute: { pair: PAIR, attribution: { site: "text.cross.z", steps: 2 } },
  paths: { pair: PAIR, senders: [sender], receivers: ["answer"], direction: "denoise", mediated: true },
  knockOut: { pair: PAIR, cut: { site: "text.cross.pattern", from: "answer", to: [1, 2] }, window: 2 },
  faithful: { pair: PAIR, heads, randomSets: 2, seed: 3, ranked: heads, sizes: [1] },
  headEffects: { pair: PAIR },
  keptSets: { pair: PAIR, sites: ["text.cross.z"], heads, sets: [[], [0]] },
  patchPairs: {
    pairs: [
      { input: PAIR, sweeps: [{ site: "text.cross.z" }], attribution: { sites } },
      { input: text, sweeps: [{ site: "text.cross.z" }] },
      { input: { ...PAIR, image: "no/such.png" }, sweeps: [] },
    ],
    looks: { patterns: true, mask: "no/such.png" },
  },
};
