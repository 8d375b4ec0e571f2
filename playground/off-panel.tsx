import type { VNode } from "preact";
import { AnswerBars } from "../src/page/answer-bars.js";
import { CircuitCard } from "../src/page/circuit-card.js";
import { percent } from "../src/page/number.js";
import { Term } from "../src/page/term.js";
import { headName } from "../src/patching/head-place.js";
import { shownToken, strongestFirst } from "./effects.js";
import { LongButton } from "./long-button.js";
import { allAnswers } from "./pair-panel.js";
import { HOWS, type How } from "./shown.js";
import type { Store } from "./store.js";
import { type CircuitFound, sideOf, type View } from "./view.js";

const MEANINGS: Record<How, string> = {
  corrupted: "off: the corrupted run’s value in its place",
  zero: "off: zeros in its place",
  mean: "off: the mean over eight other scenes",
  clean: "patched: its clean value, into the corrupted run",
};

/** Heads that are switched off in the clean run, or patched into the corrupted one, and what becomes of the answer. */
export function OffPanel({ store }: { readonly store: Store }): VNode {
  const { state, circuit, past } = store.view;
  const { off, how } = state;
  return (
    <section aria-labelledby="off">
      <h2 id="off">Switch heads off, or patch several</h2>
      <p>
        Off: the clean run has something else in the place of these heads, and loses what they carry. Patched: the
        corrupted run gets their clean values, all at once. Here are the strongest of the map; any other can be chosen
        there.
      </p>
      <Toggles store={store} />
      <div class="row">
        <label>
          What is done{" "}
          <select value={how} onChange={({ currentTarget }) => store.how(currentTarget.value as How)}>
            {HOWS.map((one) => (
              <option value={one}>{MEANINGS[one]}</option>
            ))}
          </select>
        </label>
        <button type="button" disabled={past.length === 0} onClick={() => store.undo()}>
          Undo
        </button>
        <button type="button" disabled={off.length === 0} onClick={() => store.switchOff([])}>
          All as they were
        </button>
      </div>
      <After view={store.view} />
      <h3>
        A small <Term word="circuit" />
      </h3>
      <div class="row">
        <LongButton store={store} work="circuit" onClick={() => void store.circuit()}>
          Find a small circuit
        </LongButton>
      </div>
      {circuit && <Circuit {...circuit} />}
    </section>
  );
}

/** The answers without these heads, or with them back. */
function After({ view: { state, model, found, after } }: { readonly view: View }): VNode {
  const { off, how } = state;
  const isPatched = how === "clean";
  const base = isPatched ? "corrupted" : "clean";
  const changed = isPatched ? "with these heads patched" : "without these heads";
  return (
    <>
      <p>
        {isPatched ? "Patched" : "Off"}: {off.length === 0 ? "none" : off.map(headName).join(", ")}
        {after &&
          after.left !== null &&
          `. ${percent(after.left, 1)} of the answer ${isPatched ? "comes back" : "is left"}`}
        {after && after.left !== null && (
          <span class="faint"> (of the way from the corrupted run to the clean one).</span>
        )}
      </p>
      {found && (
        <AnswerBars
          caption={
            off.length === 0
              ? `Answers of the ${base} run`
              : `Answers of the ${base} run ${changed}; the tick is where each was`
          }
          answers={allAnswers(
            found.top.map((one, i) =>
              after
                ? { text: one.text, prob: after.probs[i]!, before: one[base] }
                : { text: one.text, prob: one[base] },
            ),
            model.facts,
          )}
        />
      )}
    </>
  );
}

/** The strongest heads at the token of the map, the chosen one, and those that are off: each with its switch. */
function Toggles({ store }: { readonly store: Store }): VNode | null {
  const { effects, state } = store.view;
  const token = shownToken(sideOf(store.view));
  const strongest = strongestFirst(effects).filter((one) => one.token === token);
  const all = [...strongest.slice(0, MOST_TOGGLES), ...(state.selected ? [state.selected] : []), ...state.off];
  const heads = new Map(all.map(({ layer, head }) => [headName({ layer, head }), { layer, head }]));
  const off = new Set(state.off.map(headName));
  const done = state.how === "clean" ? "patched" : "off";
  if (heads.size === 0) return null;
  return (
    <ul class="tokens" aria-label="Heads that are changed where they are pressed">
      {Array.from(heads, ([name, place]) => (
        <li>
          <button type="button" aria-pressed={off.has(name)} onClick={() => store.toggle(place)}>
            {name} is {off.has(name) ? done : state.how === "clean" ? "as it was" : "on"}
          </button>
        </li>
      ))}
    </ul>
  );
}

const MOST_TOGGLES = 5;

function Circuit({ circuit, here, there, counted, of }: CircuitFound): VNode {
  const others = there
    ? `${percent(there.median, 1)} [${percent(there.range[0], 1)}, ${percent(there.range[1], 1)}]`
    : "nothing to be measured";
  return (
    <CircuitCard
      title={circuit.map(headName).join(", ")}
      summary="One head after another was taken away, as long as nine tenths of the answer were kept."
      facts={[
        ["heads", `${circuit.length}`],
        ["keeps of this answer alone", percent(here, 1)],
        [`keeps of ${counted} other pairs (median, middle 95%)`, others],
        ["pairs left out, which the model does not tell apart", `${of - counted} of ${of}`],
      ]}
    />
  );
}
