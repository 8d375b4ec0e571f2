// When does the picture's colour leave the star? Patches under the star's mask get their values of the other picture
// back, layer by layer; then all tokens but those.
import { loadBlip, patch } from "vlm-notice";

using blip = await loadBlip("weights/scenes");
using pair = await blip.pair({
  image: "examples/star-red.png",
  corruptImage: "examples/star-blue.png",
  question: "is this star red or blue?",
  answers: ["red", "blue"],
});

const star = await blip.tokensUnder("examples/star-mask.png"); // white where the star is; token 0 is [CLS]
const { num_hidden_layers: layers, image_size, patch_size } = blip.config.vision;
const tokens = Array.from({ length: (image_size / patch_size) ** 2 + 1 }, (_, token) => token);
const others = tokens.filter((token) => !star.includes(token));

console.log(`layer  ${star.length} in the star  ${others.length} others`);
for (let layer = 0; layer < layers; layer++) {
  const effect = async (position: readonly number[]) => {
    const score = await patch(pair, [{ site: "vision.resid_post", layer, position }]);
    return score.effect?.toFixed(2).padStart(9);
  };
  console.log(`${layer}      ${await effect(star)}      ${await effect(others)}`);
}
