import type { VNode } from "preact";
import { middle95 } from "../src/base/mean.js";
import { HeadMap } from "../src/page/head-map.js";
import type { HeadMap as MapData } from "../src/page/map.js";
import { PictureOverlay } from "../src/page/picture-overlay.js";
import { Term } from "../src/page/term.js";
import { TokenStrip } from "../src/page/token-strip.js";
import { headName } from "../src/patching/head-place.js";
import type { Picture } from "../src/pictures/picture.js";
import { drawOverlay } from "../src/report/overlay.js";
import { pictureUrl } from "./pictures.js";
import type { Looked, Store, View } from "./store.js";

/** The sweep: the effect of every head, and where the chosen one looks. */
export function HeadsPanel({ store }: { readonly store: Store }): VNode {
  const { view } = store;
  const { found, state, busy } = view;
  const token = state.token ?? found?.token ?? 0;
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
          Sweep all heads
        </button>
        {busy === "sweep" && (
          <button type="button" onClick={() => store.cancel()}>
            Cancel
          </button>
        )}
      </div>
      {found && (
        <TokenStrip
          label="Token at which heads are patched"
          tokens={found.tokens}
          selected={token}
          onSelect={(token) => store.select(selected ?? { layer: 0, head: 0 }, token)}
        />
      )}
      <div class="heads">
        {map && (
          <HeadMap
            map={map}
            selected={selected && [selected.layer, selected.head]}
            onSelect={(layer, head) => store.select({ layer, head }, token)}
          />
        )}
        <Look view={view} />
        {selected && (
          <button type="button" onClick={() => store.toggle(selected)}>
            Switch {headName(selected)} {isOff(view, selected) ? "on again" : "off"}
          </button>
        )}
      </div>
    </section>
  );
}

function isOff({ state }: View, { layer, head }: { layer: number; head: number }): boolean {
  return state.off.some((one) => one.layer === layer && one.head === head);
}

/** The effects at a token as a map; heads whose layer is not swept yet have none. */
export function mapOf({ effects, model, found, state }: View, token: number): MapData | undefined {
  const some = effects.find((layer) => layer !== undefined);
  const size = model.facts ?? (some && { layers: effects.length, heads: some.length });
  if (!size) return undefined;
  const layers = Array.from({ length: size.layers }, (_, layer) => layer);
  const heads = Array.from({ length: size.heads }, (_, head) => head);
  const all = effects.flatMap((layer) => layer?.flat() ?? []).map((effect) => Math.abs(effect ?? 0));
  return {
    values: layers.map((layer) => heads.map((head) => effects[layer]?.[head]?.[token] ?? null)),
    title: `Effect of each head at “${found?.tokens[token] ?? token}”`,
    legend: "effect: 1 is all of the answer, 0 nothing",
    rows: { title: "layer" },
    columns: { title: "head" },
    extent: Math.max(0.1, ...all),
    marks: { cells: state.off.map(({ layer, head }) => [layer, head] as const), meaning: "switched off" },
  };
}

/** Drawn once: the page is shown anew at every change. */
function overlayOf(looked: Looked, image: Picture, extent: number): Picture {
  const known = overlays.get(looked);
  if (known?.image === image) return known.drawn;
  const drawn = drawOverlay(image, looked.grid, { side: 192, extent }).picture;
  overlays.set(looked, { image, drawn });
  return drawn;
}

const overlays = new WeakMap<Looked, { readonly image: Picture; readonly drawn: Picture }>();

/** Where the chosen head looks, with its effect beside that of all others. */
function Look({ view }: { readonly view: View }): VNode {
  const { looked, given, found, effects } = view;
  if (!looked) return <p class="caution">Choose a head in the map to see where it looks.</p>;
  const { at, grid, effect } = looked;
  const extent = Math.max(1e-6, ...grid.flat().map(Math.abs));
  const drawn = overlayOf(looked, given.image, extent);
  const title = `${headName(at)}, from “${found?.tokens[at.token] ?? at.token}”`;
  const others = effects
    .flatMap((layer, l) => (layer ?? []).flatMap((head, h) => (l === at.layer && h === at.head ? [] : head)))
    .filter((one): one is number => one !== null && one !== undefined)
    .sort((a, b) => a - b);
  const range = others.length > 0 ? middle95(others) : undefined;
  return (
    <PictureOverlay
      title={title}
      picture={{ src: pictureUrl(given.image), alt: "The clean picture.", width: 128, height: 128 }}
      overlay={{
        src: pictureUrl(drawn),
        alt: `${title}: where it looks more and less than all heads do.`,
        width: 128,
        height: 128,
      }}
      extent={extent}
      effect={{
        effect,
        null: range && { low: range[0], high: range[1], meaning: "95% of all other heads and tokens here" },
      }}
    />
  );
}
