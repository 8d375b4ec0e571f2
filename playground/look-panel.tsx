import type { VNode } from "preact";
import { middle95 } from "../src/base/mean.js";
import { PictureOverlay } from "../src/page/picture-overlay.js";
import { pictureUrl } from "../src/page/picture-url.js";
import { headName } from "../src/patching/head-place.js";
import type { Picture } from "../src/pictures/picture.js";
import { drawOverlay } from "../src/report/overlay.js";
import { rankOf, tokenName } from "./effects.js";
import type { Looked, Side } from "./view.js";

/** Where the chosen head looks, and what that does not say. */
export function LookPanel({ side }: { readonly side: Side }): VNode {
  return (
    <div>
      <Look side={side} />
      {side.looked && (
        <p class="caution">
          All heads look at some patches more than at others. What they share is taken away: left is what this one does
          otherwise. Where it looks does not say that the answer depends on it; the effect does.
        </p>
      )}
    </div>
  );
}

/** Where the chosen head looks, with its effect beside that of all others. */
export function Look({ side }: { readonly side: Side }): VNode {
  const { looked, given } = side;
  if (!looked) return <p class="caution">Choose a head in the map to see where it looks.</p>;
  const { at, grid, effect } = looked;
  const extent = Math.max(1e-6, ...grid.flat().map(Math.abs));
  const title = `${headName(at)}, from “${tokenName(side, at.token)}”`;
  return (
    <PictureOverlay
      title={title}
      picture={{ src: pictureUrl(given.image), alt: "The clean picture.", width: 128, height: 128 }}
      overlay={{
        src: pictureUrl(overlayOf(looked, given.image, extent)),
        alt: `${title}: where it looks more and less than all heads do.`,
        width: 128,
        height: 128,
      }}
      extent={extent}
      effect={{ effect, null: othersOf(side, at), rank: rankOf(side, at) }}
    />
  );
}

/** Where the effects of the other heads lie. */
function othersOf({ effects }: Side, at: Looked["at"]) {
  const others = effects
    .flatMap((layer, l) => (layer ?? []).flatMap((head, h) => (l === at.layer && h === at.head ? [] : head)))
    .filter((one): one is number => one !== null && one !== undefined)
    .sort((a, b) => a - b);
  if (others.length === 0) return undefined;
  const [low, high] = middle95(others);
  return { low, high, meaning: "95% of all other heads and tokens" };
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
