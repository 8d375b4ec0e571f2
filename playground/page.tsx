import { render } from "preact";
import { Channel } from "../src/executors/browser/channel.js";
import { App } from "./app.js";
import example from "./example.json" with { type: "json" };
import { pictureFrom } from "./pictures.js";
import { stateHash } from "./state.js";
import { type Client, type Example, Store } from "./store.js";
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
  const client: Client = new Channel(worker, (error) => store.lose(error));
  void store.connect(client, new URL("model", document.baseURI).href);
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
