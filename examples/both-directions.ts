// Enough, or needed? Denoising puts a head's clean value into the corrupted pass: what comes back, the head is enough
// for. Noising puts its corrupted value into the clean pass: what is lost, it was needed for. Heads that back each
// other up are enough, and not needed.
import { type Direction, loadBlip, sweep } from "vlm-notice";

using blip = await loadBlip("weights/scenes");
using pair = await blip.pair({
  image: "examples/star-red.png",
  question: "is this star red or blue?",
  corruptQuestion: "is this star green or blue?", // the other corruption: the same picture, another word of as many pieces
  answers: ["red", "blue"],
});

// `together`: each head at all tokens at once, so that the table is [layer, head].
const effects = (direction: Direction) => sweep(pair, { site: "text.self.z", direction, together: true });
const [enough, needed] = [await effects("denoise"), await effects("noise")];

console.log("head   enough  needed");
const [layers, heads] = enough.facts.shape as [number, number];
for (let layer = 0; layer < layers; layer++)
  for (let head = 0; head < heads; head++) {
    const [back, lost] = [enough.at("effect", layer, head), needed.at("effect", layer, head)];
    if (back === null || lost === null) throw new Error("Both questions get the same answer: nothing to be explained.");
    if (Math.max(Math.abs(back), Math.abs(lost)) < 0.02) continue;
    console.log(`L${layer}H${head}   ${back.toFixed(2).padStart(6)}  ${lost.toFixed(2).padStart(6)}`);
  }
