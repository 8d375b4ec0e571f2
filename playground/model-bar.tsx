import type { VNode } from "preact";
import { megabytes } from "./pictures.js";
import type { Store } from "./store.js";

/** Which model computes, how much of it is there, and what the browser keeps. */
export function ModelBar({ store, onRestart }: { readonly store: Store; readonly onRestart: () => void }): VNode {
  const { facts, done, of, lost } = store.view.model;
  if (lost)
    return (
      <p>
        {lost}{" "}
        <button type="button" onClick={onRestart}>
          Start the model again
        </button>
      </p>
    );
  if (!facts)
    return (
      <p>
        <label>
          Loading the model, {megabytes(done)} of {megabytes(of)} <progress value={done} max={of || 1} />
        </label>
      </p>
    );
  return (
    <p>
      {facts.layers} layers of {facts.heads} heads, {facts.site}, on {facts.backend}
      {facts.noGpu && ` (WebGPU is not used: ${facts.noGpu})`}. <Kept store={store} refused={facts.refused} size={of} />
    </p>
  );
}

interface KeptProps {
  readonly store: Store;
  readonly refused: string | undefined;
  /** 0 where the model was kept already. */
  readonly size: number;
}

function Kept({ store, refused, size }: KeptProps): VNode {
  const { kept } = store.view;
  if (kept === "nothing") return <>Nothing is kept in this browser: the next visit loads all again.</>;
  if (refused) return <>This browser keeps nothing ({refused}): the model is loaded again with the page.</>;
  return (
    <>
      {size > 0 ? `The model (${megabytes(size)}) is` : "The model came from what is"} kept in this browser
      {kept === "page" && ", as the page is: both work without a network"}.{" "}
      <button type="button" onClick={() => void store.forget()}>
        Forget it
      </button>
    </>
  );
}
