import type { VNode } from "preact";
import { CACHE } from "./model-files.js";
import { megabytes } from "./pictures.js";
import type { View } from "./store.js";

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
      {facts.layers} layers of {facts.heads} heads, {facts.site}, on {facts.backend}
      {facts.noGpu && ` (WebGPU is not used: ${facts.noGpu})`}.{" "}
      {facts.refused ? (
        `This browser keeps nothing (${facts.refused}): the model is loaded again with the page.`
      ) : (
        <>
          {of > 0 ? `The model (${megabytes(of)}) is` : "The model came from what is"} kept in this browser.{" "}
          <button type="button" onClick={() => void caches.delete(CACHE)}>
            Forget it
          </button>
        </>
      )}
    </p>
  );
}
