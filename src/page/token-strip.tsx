import type { VNode } from "preact";
import { xmlText } from "../base/xml.js";

/** What `TokenStrip` shows. */
export interface TokenStripProps {
  /** What the strip is, for screen readers. */
  readonly label: string;
  readonly tokens: readonly string[];
  /** Tokens that are one entry until the reader opens it, and what they are. */
  readonly folded?: { readonly tokens: readonly number[]; readonly name: string };
  readonly selected?: number | undefined;
  /** By mouse or keyboard. */
  readonly onSelect?: (token: number) => void;
}

/** The tokens of a text in their order; each can be chosen where `onSelect` is given. */
export function TokenStrip({ label, tokens, folded, selected, onSelect }: TokenStripProps): VNode {
  const hidden = new Set(folded?.tokens);
  const shown = Array.from(tokens, (token, at) => ({ at, text: xmlText(token) })).filter(({ at }) => !hidden.has(at));
  const strip = (entries: typeof shown) =>
    entries.map(({ at, text }) => (
      <li>
        {onSelect ? (
          <button type="button" aria-pressed={at === selected} onClick={() => onSelect(at)}>
            {text}
          </button>
        ) : (
          <span class={at === selected ? "chosen" : ""}>{text}</span>
        )}
      </li>
    ));
  return (
    <>
      <ol class="tokens" aria-label={label}>
        {strip(shown)}
      </ol>
      {folded && folded.tokens.length > 0 && (
        <details>
          <summary>
            {folded.tokens.length} {folded.name}
          </summary>
          <ol class="tokens" aria-label={folded.name}>
            {strip(folded.tokens.map((at, i) => ({ at, text: `${i}` })))}
          </ol>
        </details>
      )}
    </>
  );
}
