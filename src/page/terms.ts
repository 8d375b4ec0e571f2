/** What the words of the page mean, for whoever reads them for the first time. */
export const TERMS = {
  head: "One attention head of a layer: it reads the picture or the question for each token. L0H3 is layer 0, head 3.",
  layer: "One block of the model, counted from 0. Each passes its result on to the next.",
  token: "A piece of the question, often a word. The model computes a row of numbers for each.",
  "clean run": "The model's pass over the picture as it is.",
  "corrupted run": "The same pass over a picture that differs in one thing, so that another answer is right.",
  patch: "To put what a head computed in the clean run into the corrupted run, and to look what becomes of the answer.",
  effect: "How much of the answer a patch brings back: 0 is nothing, 1 is all of it; below 0 it leads further away.",
  "logit difference": "How much more the model's last layer gives to the right answer than to the other one.",
  attention: "How much a head reads from each place. Where it looks does not say that the answer depends on it.",
  path: "One of the ways on which a head's value reaches the answer: through another head, or straight.",
  circuit: "A small set of heads that carries the answer together.",
  kept: "The share of the answer that is left when all heads outside the set are switched off.",
  null: "The scores of something that carries nothing, for comparison.",
} as const;
