import type { VNode } from "preact";
import { EffectBar, type EffectScore } from "./effect-bar.js";
import { Legend } from "./legend.js";

/** A picture that a page can show: an address, such as one that holds the picture itself. */
export interface ShownPicture {
  readonly src: string;
  readonly alt: string;
  readonly width: number;
  readonly height: number;
}

/** What `PictureOverlay` shows. */
export interface PictureOverlayProps {
  /** Which head, and the token that it looks from. */
  readonly title: string;
  readonly picture: ShownPicture;
  /** The picture with the attention on it, as `drawOverlay` draws it. */
  readonly overlay: ShownPicture;
  /** Where the colours of the attention end. */
  readonly extent: number;
  /** What patching the head does. Attention is no attribution: without a score the figure says so. */
  readonly effect?: EffectScore | undefined;
}

/** Where a head looks, and what it does. */
export function PictureOverlay({ title, picture, overlay, extent, effect }: PictureOverlayProps): VNode {
  return (
    <figure class="overlay">
      <figcaption>
        <strong>{title}</strong>
      </figcaption>
      <div class="pictures">
        <img {...picture} alt={picture.alt} />
        <img {...overlay} alt={overlay.alt} />
      </div>
      <Legend
        legend="attention minus the mean over all heads: blue more, red less, grey as much"
        extent={extent}
        overPicture
      />
      {effect ? (
        <EffectBar {...effect} />
      ) : (
        <p class="caution">Nobody has patched this head here: where it looks does not say that it matters.</p>
      )}
    </figure>
  );
}
