import type { VNode } from "preact";
import { xmlText } from "../base/xml.js";

/** Tokens that are one entry until the reader opens it. */
export interface FoldedTokens {
  readonly tokens: readonly number[];
  /** What they are: "tokens of the picture". */
  readonly name: string;
}

/** What `TokenStrip` shows. */
export interface TokenStripProps {
  /** What the strip is, for screen readers. */
  readonly label: string;
  readonly tokens: readonly string[];
  /** Groups of tokens that few readers look at. Those that all read alike are numbered. */
  readonly folded?: readonly FoldedTokens[];
  readonly selected?: number | undefined;
  /** By mouse or keyboard. */
  readonly onSelect?: (token: number) => void;
}

/** The tokens of a text in their order; each can be chosen where `onSelect` is given. */
export function TokenStrip({ label, tokens, folded = [], selected, onSelect }: TokenStripProps): VNode {
  const hidden = new Set(folded.flatMap((group) => group.tokens));
  const all = tokens.map((token, at) => ({ at, text: xmlText(token) }));
  const inGroup = ({ tokens: places }: FoldedTokens) => {
    const own = places.map((at) => all[at]!);
    const alike = own.length > 1 && own.every(({ text }) => text === own[0]!.text);
    return alike ? own.map(({ at }, i) => ({ at, text: `${i}` })) : own;
  };
  const strip = (entries: typeof all) =>
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
        {strip(all.filter(({ at }) => !hidden.has(at)))}
      </ol>
      {folded.map(
        (group) =>
          group.tokens.length > 0 && (
            <details key={group.name} open={selected !== undefined && group.tokens.includes(selected)}>
              <summary>
                {group.tokens.length} {group.name}
              </summary>
              <ol class="tokens" aria-label={group.name}>
                {strip(inGroup(group))}
              </ol>
            </details>
          ),
      )}
    </>
  );
}
