// A sweep in a Web Worker, and its head map. `npx vite examples/browser` shows it.
import { HeadMap, mount, openWorker, PAGE_STYLE, scoreMap } from "vlm-notice/browser";

document.head.append(Object.assign(document.createElement("style"), { textContent: PAGE_STYLE }));
const said = document.querySelector("#said")!;

const worker = await openWorker("scenes"); // next to the page; a hub model: https://huggingface.co/…/resolve/main
const pair = {
  key: "star",
  image: new URL("../star-red.png", import.meta.url).href, // or bytes, of a file that somebody chose
  corruptImage: new URL("../star-blue.png", import.meta.url).href,
  question: "is this star red or blue?",
  answers: ["red", "blue"] as const,
};
for await (const { scores, error } of worker.sweep([pair], { site: "text.cross.z", position: "answer" })) {
  if (error) throw error;
  const map = scoreMap(scores[0]!);
  const show = (layer: number, head: number) => {
    said.textContent = `L${layer}H${head} brings back ${map.values[layer]![head]!.toFixed(3)} of the answer`;
    mount(document.querySelector("#map"), HeadMap, { map, selected: [layer, head], onSelect: show });
  };
  show(0, 0);
}
await worker.close();
