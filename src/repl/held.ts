import * as tf from "@tensorflow/tfjs-core";
import { Model } from "../patching/model.js";
import { Pair } from "../patching/pair.js";
import { Run } from "../patching/run.js";

/** The most values of a container that are looked at, and the depth: pixels and texts hold no tensors. */
const MOST_VALUES = 10_000;
const MOST_DEPTH = 12;

/**
 * Frees what variables held and no longer hold: tensors, and those of runs, pairs and models. What is still reached
 * from another variable stays, so that a run keeps its model and a list its tensors. What closures hold is not seen.
 */
export class Held {
  #tensors = new Set<tf.Tensor>();

  /** @param variables all that there are now. */
  update(variables: readonly unknown[]): void {
    const now = tensorsIn(variables);
    for (const tensor of this.#tensors) if (!now.has(tensor) && !tensor.isDisposed) tensor.dispose();
    this.#tensors = now;
  }
}

/**
 * Every tensor that is reached from a value through arrays, maps, sets, plain objects and what this package computes.
 */
export function tensorsIn(value: unknown): Set<tf.Tensor> {
  const found = new Set<tf.Tensor>();
  const seen = new Set<unknown>();
  const walk = (value: unknown, depth: number): void => {
    if (typeof value !== "object" || value === null || seen.has(value) || depth > MOST_DEPTH) return;
    seen.add(value);
    if (value instanceof tf.Tensor) found.add(value);
    else for (const inner of within(value)) walk(inner, depth + 1);
  };
  walk(value, 0);
  return found;
}

function within(value: object): unknown[] {
  if (value instanceof Pair) return [value.clean, value.corrupted, value.model];
  if (value instanceof Run) return [value.activations, value.model];
  if (value instanceof Model) return [value.weights];
  if (Array.isArray(value)) return value.slice(0, MOST_VALUES);
  if (value instanceof Map || value instanceof Set) return [...value.entries()].flat().slice(0, MOST_VALUES);
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return [];
  const properties = Object.values(Object.getOwnPropertyDescriptors(value));
  return properties.slice(0, MOST_VALUES).map((property) => property.value);
}
