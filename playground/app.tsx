import type { VNode } from "preact";
import { BesidePanel } from "./beside-panel.js";
import { FORM_WORDS } from "./forms.js";
import { HeadsPanel } from "./heads-panel.js";
import { Jump } from "./jump.js";
import { ModelBar } from "./model-bar.js";
import { OffPanel } from "./off-panel.js";
import { PairPanel } from "./pair-panel.js";
import { PathsPanel } from "./paths-panel.js";
import { SharePanel } from "./share-panel.js";
import type { Store } from "./store.js";
import { ThemeSwitch } from "./theme.js";
import { Tour } from "./tour.js";

const PARTS = [
  ["pair", "Picture and question"],
  ["heads", "Which heads count"],
  ["paths", "Follow a path"],
  ["off", "Switch heads off"],
  ["beside", "Another model"],
  ["share", "Take it with you"],
] as const;

/** The whole page. */
export function App({ store, onRestart }: { readonly store: Store; readonly onRestart: () => void }): VNode {
  const words = FORM_WORDS[store.view.model.facts?.form ?? "question"];
  return (
    <>
      <Jump class="skip" to="heads">
        Skip to the heads
      </Jump>
      <header>
        <h1>Which heads carry the answer from the picture to the text?</h1>
        <p>
          A vision-language model {words.does}. Look which of its attention heads the answer depends on, switch them
          off, and see what it says then. Everything runs on this machine.
        </p>
        <ThemeSwitch />
        <Tour view={store.view} />
        <nav aria-label="Parts of this page">
          <ol>
            {PARTS.map(([to, says]) => (
              <li>
                <Jump to={to}>{says}</Jump>
              </li>
            ))}
          </ol>
        </nav>
      </header>
      <p class="said" role="status">
        <span key={store.view.said}>{store.view.said}</span>
      </p>
      <main>
        <PairPanel store={store} />
        <HeadsPanel store={store} />
        <PathsPanel store={store} />
        <OffPanel store={store} />
        <BesidePanel store={store} />
        <SharePanel view={store.view} />
      </main>
      <footer>
        <ModelBar view={store.view} onRestart={onRestart} />
      </footer>
    </>
  );
}
