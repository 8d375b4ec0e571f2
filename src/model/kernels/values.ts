import * as tf from "@tensorflow/tfjs-core";
import { wasmCalls } from "./wasm-calls.js";

/**
 * What stands in place of a computed value: all of it, or only the entries where `where` is 1. A patch is a value, so
 * a patched run is the same definitions pulled with some of them replaced.
 */
export interface Replacement {
  /** Broadcastable to the value it replaces; or made from that value, which is then computed first. */
  readonly values: tf.Tensor | ((computed: tf.Tensor) => tf.Tensor);
  /**
   * 0 or 1 in float32, broadcastable to the value; without it the whole value is replaced and, if it can be, never
   * computed.
   */
  readonly where?: tf.Tensor;
}

/** How each value follows from the others. */
export type Definitions<Name extends string> = {
  readonly [name in Name]: (values: Values<Name>) => tf.Tensor;
};

/** Values by name, each computed when it is first read, and then kept. */
export type Values<Name extends string> = { readonly [name in Name]: tf.Tensor };

/** Replacements by the name of the value. */
export type Given<Name extends string> = { readonly [name in Name]?: Replacement };

/**
 * Values that compute themselves on demand: reading one reads those it is defined by, and a wholly replaced value
 * reads nothing, so what lies upstream of a patch is never computed. Read them inside one `tf.tidy`.
 */
export function define<Name extends string>(definitions: Definitions<Name>, given: Given<Name> = {}): Values<Name> {
  const values = {} as { [name in Name]: tf.Tensor };
  const known = new Map<Name, tf.Tensor>();
  for (const name of Object.keys(definitions) as Name[]) {
    const get = () => {
      const value = known.get(name) ?? replace(given[name], () => definitions[name](values));
      known.set(name, value);
      return value;
    };
    Object.defineProperty(values, name, { get, enumerable: true });
  }
  return values;
}

/** What stands in place of a value that is computed where it is needed. */
export function replace(replacement: Replacement | undefined, compute: () => tf.Tensor): tf.Tensor {
  if (!replacement) return compute();
  const { values, where } = replacement;
  if (!where && typeof values !== "function") return values;
  const computed = compute();
  const put = typeof values === "function" ? values(computed) : values;
  return where ? blend(computed, put, where) : put;
}

/**
 * `values` where `where` is 1 and `base` where it is 0, exactly; all broadcast. (A broadcasting tf.where is sixty times
 * slower on wasm.)
 */
export function blend(base: tf.Tensor, values: tf.Tensor, where: tf.Tensor): tf.Tensor {
  const inOne = wasmCalls()?.blend(base, values, where);
  return inOne ?? tf.add(tf.mul(base, tf.sub(1, where)), tf.mul(values, where));
}
