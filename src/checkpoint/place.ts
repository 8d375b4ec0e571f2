import type * as tf from "@tensorflow/tfjs-core";

/** A tensor's place in a checkpoint, and how our layout follows from the stored one. */
export interface Place {
  readonly name: string;
  /** As stored. */
  readonly shape: readonly number[];
  /** `transposed`: [out, in] -> [in, out]. `patches`: [width, 3, y, x] -> [y · x · 3, width]. */
  readonly layout?: "transposed" | "patches";
  /** Of a stored [3 · n, …] only this third: BLIP's ViT keeps q, k and v in one matrix. */
  readonly third?: 0 | 1 | 2;
}

/** A tree of objects and lists with places, or the tensors that were read from them, as its leaves. */
export type WeightTree = object;

/** The places of a tree by the names of their tensors. */
export function placesByName(tree: WeightTree): Map<string, Place> {
  const named = new Map<string, Place>();
  eachLeaf<Place>(tree, (place) => named.set(place.name, place));
  return named;
}

/** Visits the leaves of a tree. Places and tensors both have a shape, and nothing else in a tree does. */
export function eachLeaf<Leaf extends Place | tf.Tensor>(tree: WeightTree, visit: (leaf: Leaf) => void): void {
  if (isLeaf(tree)) visit(tree as Leaf);
  else for (const child of Object.values(tree)) eachLeaf(child as WeightTree, visit);
}

export const isLeaf = (node: unknown) => typeof node === "object" && node !== null && "shape" in node;

/** A matrix and what is added after it, or a norm's scale and shift. */
interface WeightAndBias {
  readonly weight: Place;
  readonly bias: Place;
}

export const linearPlace = (name: string, inside: number, outside: number): WeightAndBias => ({
  weight: { name: `${name}.weight`, shape: [outside, inside], layout: "transposed" },
  bias: { name: `${name}.bias`, shape: [outside] },
});

export const normPlace = (name: string, width: number): WeightAndBias => ({
  weight: { name: `${name}.weight`, shape: [width] },
  bias: { name: `${name}.bias`, shape: [width] },
});
