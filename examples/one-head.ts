// Does one attention head carry the answer? The model sees a blue star and is asked about its colour; one head gets
// back what it held when the star was red.
import { loadBlip, patchHead } from "vlm-notice";

using blip = await loadBlip("weights/scenes"); // a folder, or a model of the hub: "Salesforce/blip-vqa-base"
using pair = await blip.pair({
  image: "examples/star-red.png",
  corruptImage: "examples/star-blue.png",
  question: "is this star red or blue?",
  answers: ["red", "blue"], // correct for `image`, and what `corruptImage` makes of it
});

const { clean, corrupted } = pair.readings;
console.log(`P(red): ${clean.prob.toFixed(3)} of the red star, ${corrupted.prob.toFixed(3)} of the blue one`);

// Layer 0, head 0, where the question says "red"; everything after it is computed again.
const score = await patchHead(pair, { site: "text.cross.z", layer: 0, head: 0, position: "answer" });
console.log(`P(red) with L0H0 of the red star: ${score.prob.toFixed(3)}`);
console.log(`effect: ${score.effect?.toFixed(3)} of the way back`); // undefined where there is no way: both passes say the same
