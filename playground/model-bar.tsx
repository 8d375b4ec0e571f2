import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { forget, keepOffline } from "./kept.js";
import { megabytes } from "./pictures.js";
import type { View } from "./view.js";

/** Which model computes, how much of it is there, and what the browser keeps. */
export function ModelBar({ view, onRestart }: { readonly view: View; readonly onRestart: () => void }): VNode {
  const { facts, done, of, lost } = view.model;
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
      {facts.layers} layers of {facts.heads} heads that look from the text at the picture: {facts.site}, on{" "}
      {facts.backend}
      {facts.noGpu && ` (WebGPU is not used: ${facts.noGpu})`}. <Kept refused={facts.refused} size={of} />
    </p>
  );
}

interface KeptProps {
  readonly refused: string | undefined;
  /** 0 where the model was kept already. */
  readonly size: number;
}

/** What the browser keeps, once the model is there: what is kept for later waits for what is wanted now. */
function Kept({ refused, size }: KeptProps): VNode {
  const [kept, setKept] = useState<"model" | "page" | "nothing">("model");
  useEffect(() => {
    void keepOffline().then((isKept) => isKept && setKept("page"));
  }, []);
  const clear = () => forget().then(() => setKept("nothing"));
  if (kept === "nothing")
    return <span role="status">Nothing is kept in this browser: the next visit loads all again.</span>;
  if (refused) return <>This browser keeps nothing ({refused}): the model is loaded again with the page.</>;
  return (
    <>
      {size > 0 ? `The model (${megabytes(size)}) is` : "The model came from what is"} kept in this browser
      {kept === "page" && ", as the page is: both work without a network"}.{" "}
      <button type="button" onClick={() => void clear()}>
        Forget it
      </button>
    </>
  );
}
