/** What the words of the page mean, for whoever reads them for the first time. */
export const TERMS = {
  head: "One attention head of a layer: it reads the picture or the question for each token. L0H3 is layer 0, head 3.",
  layer: "One block of the model, counted from 0. Each passes its result on to the next.",
  token:
    "A piece of the question, often a word. The model computes a row of numbers for each. In brackets, as [CLS]: a mark " +
    "that the model itself puts in.",
  "clean run": "The model's pass over the picture as it is.",
  "corrupted run": "The same pass over a picture that differs in one thing, so that another answer is right.",
  patch: "To put what a head computed in the clean run into the corrupted run, and to look what becomes of the answer.",
  effect: "How much of the answer a patch brings back: 0 is nothing, 1 is all of it; below 0 it leads further away.",
  "logit difference": "How much more the model's last layer gives to the right answer than to the other one.",
  attention: "How much a head reads from each place. Where it looks does not say that the answer depends on it.",
  path: "One of the ways on which a head's value reaches the answer: through another head, or straight.",
  circuit: "A small set of heads that carries the answer together.",
  segmentation: "A head that looks at the object that is asked about, more than noise would.",
  "object inhibition": "A head that looks at everything but the object that is asked about.",
  "outlier inhibition":
    "A head that looks away from the few patches, mostly of the background, in which the model keeps numbers of its own.",
  kept: "The share of the answer that is left when all heads outside the set are switched off.",
  null: "The scores of something that carries nothing, for comparison.",
} as const;

/** More words, of reports alone. */
export const REPORT_TERMS = {
  L0H0: "Layer 0, head 0; both are counted from 0.",
  corruption: "What makes the corrupted run differ from the clean one, so that another answer is right.",
  "SIP (image)": "The picture is exchanged for one that differs in one thing (semantic image pairs).",
  "STR (text)": "Words of the question are exchanged for others (symmetric token replacement).",
  site: "What is patched. text.cross.z is what heads of the text take from the picture; text.self.z, from the text itself.",
  AUROC:
    "How often a patch of the picture on the object gets more attention than one beside it: 1 is always, 0 never, 0.5 is " +
    "as often as not. Noise: what the head’s maps give when they are moved to other places of the picture.",
  "outlier patch": "One of few patches, mostly of the background, in which the model keeps numbers of its own.",
} as const;
