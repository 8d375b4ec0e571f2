import type { VNode } from "preact";
import { HeadMap } from "../src/page/head-map.js";
import type { HeadMap as MapData } from "../src/page/map.js";
import { Term } from "../src/page/term.js";
import { TokenStrip } from "../src/page/token-strip.js";
import { headName } from "../src/patching/head-place.js";
import { foldedTokens, shownToken, tokenName } from "./effects.js";
import { LookPanel } from "./look-panel.js";
import type { Store, View } from "./store.js";

/** The sweep: the effect of every head, and where the chosen one looks. */
export function HeadsPanel({ store }: { readonly store: Store }): VNode {
  const { view } = store;
  const { found, state, busy } = view;
  const token = shownToken(view);
  const { selected } = state;
  const map = mapOf(view, token);
  return (
    <section aria-labelledby="heads">
      <h2 id="heads">Which heads bring the answer back</h2>
      <p>
        A sweep puts the value of one <Term word="head" /> at one <Term word="token" /> from the clean run into the
        corrupted run, and looks how much of the answer comes back: its <Term word="effect" />. Then the next.
      </p>
      <div class="row">
        <button type="button" disabled={!view.model.facts || busy !== undefined} onClick={() => void store.sweep()}>
          {isSwept(view) ? "Sweep again" : "Sweep all heads"}
        </button>
        {busy === "sweep" && (
          <button type="button" onClick={() => store.cancel()}>
            Cancel
          </button>
        )}
      </div>
      {found && <p class="caution">At which token:</p>}
      {found && (
        <TokenStrip
          label="Token at which heads are patched"
          tokens={found.tokens.map((text, at) => (found.imageTokens.includes(at) ? text : tokenName(view, at)))}
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
          <Measure view={view} />
        </div>
        <div>
          <button type="button" disabled={!selected} onClick={() => selected && store.toggle(selected)}>
            {selected
              ? `Switch ${headName(selected)} ${isOff(view, selected) ? "on again" : "off"}`
              : "Switch a head off"}
          </button>
          <LookPanel view={view} />
        </div>
      </div>
    </section>
  );
}

/** Whether all layers are. */
function isSwept({ effects, model }: View): boolean {
  const swept = effects.filter((layer) => layer !== undefined).length;
  return swept > 0 && swept === (model.facts?.layers ?? effects.length);
}

/** What an effect is a share of. */
function Measure({ view: { found, given } }: { readonly view: View }): VNode | null {
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

function isOff({ state }: View, { layer, head }: { layer: number; head: number }): boolean {
  return state.off.some((one) => one.layer === layer && one.head === head);
}

/** The effects at a token as a map; heads whose layer is not swept yet have none. */
export function mapOf(view: View, token: number): MapData | undefined {
  const { effects, model, state } = view;
  const some = effects.find((layer) => layer !== undefined);
  const size = model.facts ?? (some && { layers: effects.length, heads: some.length });
  if (!size) return undefined;
  const layers = Array.from({ length: size.layers }, (_, layer) => layer);
  const heads = Array.from({ length: size.heads }, (_, head) => head);
  const all = effects.flatMap((layer) => layer?.flat() ?? []).map((effect) => Math.abs(effect ?? 0));
  return {
    values: layers.map((layer) => heads.map((head) => effects[layer]?.[head]?.[token] ?? null)),
    title: `Effect of each head at “${tokenName(view, token)}”`,
    legend: "effect: 1 is all of the answer, 0 nothing",
    rows: { title: "layer" },
    columns: { title: "head" },
    extent: Math.max(0.1, ...all),
    marks: { cells: state.off.map(({ layer, head }) => [layer, head] as const), meaning: "switched off" },
  };
}
