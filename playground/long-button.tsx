import type { ComponentChildren, VNode } from "preact";
import type { Store } from "./store.js";
import type { Work } from "./view.js";

export interface LongButtonProps {
  readonly store: Store;
  /** What it begins. */
  readonly work: Work;
  readonly onClick: () => void;
  /** Something that it needs is not there yet. */
  readonly disabled?: boolean;
  /** How far the work is, in words. */
  readonly done?: string;
  readonly children: ComponentChildren;
}

/** Begins what takes long; beside it, while that goes on, how far it is and what ends it. */
export function LongButton({ store, work, onClick, disabled = false, done, children }: LongButtonProps): VNode {
  const { busy, model } = store.view;
  return (
    <>
      <button type="button" disabled={disabled || !model.facts || busy !== undefined} onClick={onClick}>
        {children}
      </button>
      {busy === work && (
        <button type="button" onClick={() => store.cancel()}>
          Cancel
        </button>
      )}
      {busy === work && done && <span class="faint">{done}</span>}
    </>
  );
}
