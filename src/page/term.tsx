import type { VNode } from "preact";
import { TERMS } from "./terms.js";

/** A word of the field that explains itself where it stands. */
export function Term({ word }: { readonly word: keyof typeof TERMS }): VNode {
  return (
    <details class="term">
      <summary>{word}</summary>
      <span>{TERMS[word]}</span>
    </details>
  );
}
