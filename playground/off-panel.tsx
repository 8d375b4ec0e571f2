import type { VNode } from "preact";
import { AnswerBars, withRest } from "../src/page/answer-bars.js";
import { CircuitCard } from "../src/page/circuit-card.js";
import { percent } from "../src/page/number.js";
import { Term } from "../src/page/term.js";
import { headName } from "../src/patching/head-place.js";
import { shownToken, strongestFirst } from "./effects.js";
import { LongButton } from "./long-button.js";
import { HOWS, type How } from "./shown.js";
import type { Store } from "./store.js";
import { type CircuitFound, sideOf } from "./view.js";

const MEANINGS: Record<How, string> = {
  corrupted: "the value of the corrupted run",
  zero: "zeros",
  mean: "the mean over eight other scenes",
};

/** Heads that are switched off in the clean run, and what is left of its answer. */
export function OffPanel({ store }: { readonly store: Store }): VNode {
  const { state, found, after, circuit, past } = store.view;
  const { off, how } = state;
  return (
    <section aria-labelledby="off">
      <h2 id="off">Switch heads off</h2>
      <p>
        The clean run then has something else in the place of these heads. Here are the strongest of the map; any other
        can be chosen there.
      </p>
      <Toggles store={store} />
      <div class="row">
        <label>
          In its place{" "}
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
          All on
        </button>
      </div>
      <p>
        Off: {off.length === 0 ? "none" : off.map(headName).join(", ")}
        {after && after.left !== null && `. ${percent(after.left, 1)} of the answer is left`}
        {after && after.left !== null && (
          <span class="faint"> (of the way from the corrupted run to the clean one).</span>
        )}
      </p>
      {found && (
        <AnswerBars
          caption={
            off.length === 0 ? "Answers of the clean run" : "Answers without these heads; the tick is where each was"
          }
          answers={withRest(
            found.top.map(({ text, clean }, i) =>
              after ? { text, prob: after.probs[i]!, before: clean } : { text, prob: clean },
            ),
          )}
        />
      )}
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

/** The strongest heads at the token of the map, the chosen one, and those that are off: each with its switch. */
function Toggles({ store }: { readonly store: Store }): VNode | null {
  const { effects, state } = store.view;
  const token = shownToken(sideOf(store.view));
  const strongest = strongestFirst(effects).filter((one) => one.token === token);
  const all = [...strongest.slice(0, MOST_TOGGLES), ...(state.selected ? [state.selected] : []), ...state.off];
  const heads = new Map(all.map(({ layer, head }) => [headName({ layer, head }), { layer, head }]));
  const off = new Set(state.off.map(headName));
  if (heads.size === 0) return null;
  return (
    <ul class="tokens" aria-label="Heads that are off where they are pressed">
      {Array.from(heads, ([name, place]) => (
        <li>
          <button type="button" aria-pressed={off.has(name)} onClick={() => store.toggle(place)}>
            {name} is {off.has(name) ? "off" : "on"}
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
