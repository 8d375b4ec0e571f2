import type { VNode } from "preact";
import { xmlText } from "../base/xml.js";

/** What `TokenStrip` shows. */
export interface TokenStripProps {
  /** What the strip is, for screen readers. */
  readonly label: string;
  readonly tokens: readonly string[];
  readonly selected?: number | undefined;
  /** By mouse or keyboard. */
  readonly onSelect?: (token: number) => void;
}

/** The tokens of a text in their order; each can be chosen where `onSelect` is given. */
export function TokenStrip({ label, tokens, selected, onSelect }: TokenStripProps): VNode {
  return (
    <ol class="tokens" aria-label={label}>
      {tokens.map((token, i) => (
        <li>
          {onSelect ? (
            <button type="button" aria-pressed={i === selected} onClick={() => onSelect(i)}>
              {xmlText(token)}
            </button>
          ) : (
            <span class={i === selected ? "chosen" : ""}>{xmlText(token)}</span>
          )}
        </li>
      ))}
    </ol>
  );
}
