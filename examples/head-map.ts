// Which heads carry the answer? Every head of every layer is patched, one at a time, and the map of it drawn.
import { writeFile } from "node:fs/promises";
import { loadBlip, sweep } from "vlm-notice";
import { headMapPng, scoreMap } from "vlm-notice/figures";

using blip = await loadBlip("weights/scenes");
using pair = await blip.pair({
  image: "examples/star-red.png",
  corruptImage: "examples/star-blue.png",
  question: "is this star red or blue?",
  answers: ["red", "blue"],
});

// Each head at each token of the question: [layer, head, token]. `position: "answer"` would leave the others out.
const scores = await sweep(pair, { site: "text.cross.z" });
const [layers, heads, tokens] = scores.facts.shape;
console.log(`${layers} layers x ${heads} heads x ${tokens} tokens, as effect, logitDiff, prob and probDiff`);

const token = pair.answerToken; // where the question says "red"
await writeFile("heads.png", await headMapPng(scoreMap(scores, { metric: "effect", token })));
await writeFile("scores.json", JSON.stringify(scores)); // the format of `notice sweep --json`
console.log("wrote heads.png and scores.json");
