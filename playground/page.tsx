import { render } from "preact";
import { App } from "./app.js";
import { Client } from "./client.js";
import example from "./example.json" with { type: "json" };
import { pictureFrom } from "./pictures.js";
import { GPUS } from "./shown.js";
import { stateHash } from "./state.js";
import { type Example, type ModelFacts, Store } from "./store.js";
import { showKeptTheme } from "./theme.js";

const root = document.querySelector("#page")!;
root.textContent = "";
showKeptTheme();
const store = new Store(location.hash, example as unknown as Example, show);

function show(): void {
  render(<App store={store} onRestart={start} />, root);
  const hash = `#${stateHash(store.view.state)}`;
  if (location.hash !== hash) history.replaceState(null, "", hash);
}

function start(): void {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  const goOn = (facts: ModelFacts) =>
    store.use(facts, "The GPU does not answer any more; the model goes on with wasm.");
  const client = new Client(worker, (error) => store.lose(error), goOn);
  const asked = new URLSearchParams(location.search).get("backend");
  const gpu = GPUS.find((choice) => choice === asked) ?? "auto";
  void store.connect(client, new URL("model", document.baseURI).href, gpu);
}

// A file that is dropped beside a picture would take the place of the page.
for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());
addEventListener("paste", async ({ clipboardData }) => {
  const file = clipboardData?.files[0];
  if (file) await pictureFrom(file).then((picture) => store.picture("image", picture), store.say);
});
addEventListener("hashchange", () => store.go(location.hash));
show();
start();
