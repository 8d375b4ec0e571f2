// The same without a bundler, served by any web server: `npx http-server .`, then /examples/plain-page/. A page of your
// own needs copies of dist/browser and dist/wasm beside each other.
import { HeadMap, mount, openWorker, PAGE_STYLE, scoreMap } from "../../dist/browser/index.js";

document.head.append(Object.assign(document.createElement("style"), { textContent: PAGE_STYLE }));
const said = document.querySelector("#said");

const worker = await openWorker("../../weights/scenes"); // from the page on
const pair = {
  key: "star",
  image: "../star-red.png",
  corruptImage: "../star-blue.png",
  question: "is this star red or blue?",
  answers: ["red", "blue"],
};
for await (const { scores, error } of worker.sweep([pair], { site: "text.cross.z", position: "answer" })) {
  if (error) throw error;
  const map = scoreMap(scores[0]);
  const show = (layer, head) => {
    said.textContent = `L${layer}H${head} brings back ${map.values[layer][head].toFixed(3)} of the answer`;
    mount(document.querySelector("#map"), HeadMap, { map, selected: [layer, head], onSelect: show });
  };
  show(0, 0);
}
await worker.close();
