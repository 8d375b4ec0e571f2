import type { VNode } from "preact";
import { HeadMap } from "../src/page/head-map.js";
import { Term } from "../src/page/term.js";
import { TokenStrip } from "../src/page/token-strip.js";
import { headName } from "../src/patching/head-place.js";
import { foldedTokens, mapOf, shownToken, tokenName } from "./effects.js";
import { LongButton } from "./long-button.js";
import { LookPanel } from "./look-panel.js";
import type { Store } from "./store.js";
import { StudyCard } from "./study-card.js";
import { type Side, sideOf, type View } from "./view.js";

/** The sweep: the effect of every head, and where the chosen one looks. */
export function HeadsPanel({ store }: { readonly store: Store }): VNode {
  const { view } = store;
  const side = sideOf(view);
  const { found, selected } = side;
  const token = shownToken(side);
  const map = mapOf(side, token, view.state);
  return (
    <section aria-labelledby="heads">
      <h2 id="heads">Which heads bring the answer back</h2>
      <p>
        A sweep puts the value of one <Term word="head" /> at one <Term word="token" /> from the clean run into the
        corrupted run, and looks how much of the answer comes back: its <Term word="effect" />. Then the next.
      </p>
      <div class="row">
        <LongButton store={store} work="sweep" onClick={() => void store.sweep()}>
          {isSwept(side) ? "Sweep again" : "Sweep all heads"}
        </LongButton>
      </div>
      {found && <p class="caution">At which token:</p>}
      {found && (
        <TokenStrip
          label="Token at which heads are patched"
          tokens={found.tokens.map((text, at) => (found.imageTokens.includes(at) ? text : tokenName(side, at)))}
          folded={foldedTokens(found)}
          selected={token}
          onSelect={(token) => store.select(selected ?? { layer: 0, head: 0 }, token)}
        />
      )}
      <div class="heads">
        <div>
          {map && (
            <HeadMap
              map={map}
              selected={selected && [selected.layer, selected.head]}
              onSelect={(layer, head) => store.select({ layer, head }, token)}
            />
          )}
          <Measure side={side} />
        </div>
        <div>
          <button type="button" disabled={!selected} onClick={() => selected && store.toggle(selected)}>
            {switchName(view)}
          </button>
          <LookPanel side={side} />
          <StudyCard view={view} />
        </div>
      </div>
    </section>
  );
}

/** Whether all layers are. */
export function isSwept({ effects, facts }: Side): boolean {
  const swept = effects.filter((layer) => layer !== undefined).length;
  return swept > 0 && swept === (facts?.layers ?? effects.length);
}

/** What an effect is a share of. */
function Measure({ side: { found, given } }: { readonly side: Side }): VNode | null {
  if (!found) return null;
  const { clean, corrupted } = found.readings;
  const [right, other] = given.answers;
  return (
    <p class="caution">
      The answer is measured by the <Term word="logit difference" /> of “{right}” and “{other}”:{" "}
      {signed(clean.logitDiff)} with the clean picture (effect 1), {signed(corrupted.logitDiff)} with the corrupted one
      (effect 0). An effect of 0.25 is a quarter of the way from the second to the first.
    </p>
  );
}

const signed = (value: number) => value.toFixed(1).replace("-", "−");

function switchName({ state: { selected, off, how } }: View): string {
  if (!selected) return "Switch a head off";
  const isChanged = off.some(({ layer, head }) => layer === selected.layer && head === selected.head);
  const name = headName(selected);
  if (how === "clean") return isChanged ? `Take the patch of ${name} back` : `Patch ${name}`;
  return `Switch ${name} ${isChanged ? "on again" : "off"}`;
}
