// The library in the page itself, without a worker.
import { loadBlip, patchHead, sweep } from "vlm-notice";
import { headMapSvg, scoreMap } from "vlm-notice/figures";

const said = document.querySelector("#said")!;
const blip = await loadBlip("scenes", { backend: "wasm" });
const pair = await blip.pair({
  image: new URL("../../../examples/star-red.png", import.meta.url).href,
  corruptImage: new URL("../../../examples/star-blue.png", import.meta.url).href,
  question: "is this star red or blue?",
  answers: ["red", "blue"],
});

const { effect } = await patchHead(pair, { site: "text.cross.z", layer: 0, head: 0, position: "answer" });
said.textContent = `L0H0 brings back ${effect?.toFixed(3)} of the answer`;

const scores = await sweep(pair, { site: "text.cross.z" });
document.querySelector("#map")!.innerHTML = await headMapSvg(scoreMap(scores, { token: pair.answerToken }));

pair[Symbol.dispose]();
blip[Symbol.dispose]();
