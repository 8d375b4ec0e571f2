import type * as tf from "@tensorflow/tfjs-core";
import { turn } from "../base/turn.js";

/** As many as `transformers` generates by default. */
export const NEW_TOKENS = 20;

/**
 * Greedy texts: the likeliest token each time, until one that ends them. An ended row goes on with what ended it, so
 * that rows stay equally long.
 *
 * @param rows how many texts. @param most so many tokens at most. @param next the likeliest tokens [row] after those
 * that were said.
 * @returns the ids of each row, without the one that ends it.
 */
export async function sayGreedily(
  rows: number,
  { ends, most }: { readonly ends: readonly number[]; readonly most: number },
  next: (said: readonly (readonly number[])[]) => tf.Tensor,
): Promise<number[][]> {
  const said = Array.from({ length: rows }, (): number[] => []);
  const ended = (ids: readonly number[]) => ids.length > 0 && ends.includes(ids.at(-1)!);
  for (let step = 0; step < most && !said.every(ended); step++) {
    const likeliest = next(said);
    const found = await likeliest.data();
    likeliest.dispose();
    await turn();
    said.forEach((ids, row) => {
      ids.push(ended(ids) ? ids.at(-1)! : found[row]!);
    });
  }
  return said.map((ids) => {
    const at = ids.findIndex((id) => ends.includes(id));
    return at < 0 ? ids : ids.slice(0, at);
  });
}
