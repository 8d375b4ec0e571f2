import type { VNode } from "preact";
import { useId } from "preact/hooks";
import { TERMS } from "./terms.js";

/** A word of the field that explains itself where it stands. */
export function Term({ word }: { readonly word: keyof typeof TERMS }): VNode {
  const id = useId();
  return (
    <>
      <button type="button" class="term" popovertarget={id}>
        {word}
      </button>
      <span id={id} popover="auto" class="meaning">
        {TERMS[word]}
      </span>
    </>
  );
}
