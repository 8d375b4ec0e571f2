import { render } from "preact";
import { App } from "./app.js";
import { Client } from "./client.js";
import example from "./example.json" with { type: "json" };
import { offeredModels } from "./offered.js";
import { pictureFrom } from "./pictures.js";
import { GPUS } from "./shown.js";
import { stateHash } from "./state.js";
import { Store } from "./store.js";
import { showKeptTheme } from "./theme.js";
import type { Example } from "./view.js";

const root = document.querySelector("#page")!;
root.textContent = "";
showKeptTheme();
const asked = new URLSearchParams(location.search).get("backend");
const store = new Store({
  hash: location.hash,
  example: example as unknown as Example,
  onChange: show,
  newClient: (onLost, onGpuLost) =>
    new Client(new Worker(new URL("./worker.js", import.meta.url), { type: "module" }), onLost, onGpuLost),
  gpu: GPUS.find((choice) => choice === asked) ?? "auto",
});

function show(): void {
  render(<App store={store} onRestart={start} />, root);
  const hash = `#${stateHash(store.view.state)}`;
  if (location.hash !== hash) history.replaceState(null, "", hash);
}

const start = () => void store.connect(new URL("model", document.baseURI).href, offeredModels(document.baseURI));

// A file that is dropped beside a picture would take the place of the page.
for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());
addEventListener("paste", async ({ clipboardData }) => {
  const file = clipboardData?.files[0];
  if (file) await pictureFrom(file).then((picture) => store.picture("image", picture), store.say);
});
addEventListener("hashchange", () => void store.go(location.hash));
show();
start();
