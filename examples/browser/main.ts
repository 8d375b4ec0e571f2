// The same in a browser, where models and pictures are addresses. `npx vite examples/browser` shows it.
import { loadBlip, patchHead, sweep } from "vlm-notice";
import { headMapSvg, scoreMap } from "vlm-notice/figures";

const said = document.querySelector("#said")!;
const blip = await loadBlip("scenes", { backend: "wasm" }); // next to the page; a hub model: https://huggingface.co/…/resolve/main
const pair = await blip.pair({
  image: new URL("../star-red.png", import.meta.url).href, // or bytes, of a file that somebody chose
  corruptImage: new URL("../star-blue.png", import.meta.url).href,
  question: "is this star red or blue?",
  answers: ["red", "blue"],
});

const { effect } = await patchHead(pair, { site: "text.cross.z", layer: 0, head: 0, position: "answer" });
said.textContent = `L0H0 brings back ${effect?.toFixed(3)} of the answer`;

const scores = await sweep(pair, { site: "text.cross.z" });
document.querySelector("#map")!.innerHTML = await headMapSvg(scoreMap(scores, { token: pair.answerToken }));

pair[Symbol.dispose]();
blip[Symbol.dispose]();
