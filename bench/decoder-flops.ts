/** A tower's shape. */
interface Tower {
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headDim: number;
  readonly width: number;
  readonly mlpWidth: number;
}

/** Of a sweep of `self.z`: a prompt's tokens, and which of them are patched in which layers (by default all). */
interface Swept {
  readonly tokens: number;
  readonly patched: readonly number[];
  readonly layers?: readonly number[] | undefined;
}

/**
 * Floating-point operations in the matrix products of a sweep of `self.z` of all heads of a causal tower, a multiplication
 * and an addition each counted. What patches share (the unpatched pass's keys and values) is not in it.
 */
export function decoderFlops(tower: Tower, vocabulary: number, { tokens, patched, layers }: Swept): number {
  const every = layers ?? Array.from({ length: tower.layers }, (_, layer) => layer);
  let sum = 0;
  for (const token of patched)
    for (const layer of every) sum += patchFlops(tower, vocabulary, { tokens, token, layer });
  return tower.heads * sum;
}

function patchFlops(
  { layers, heads, keyValueHeads, headDim, width, mlpWidth }: Tower,
  vocabulary: number,
  { tokens, token, layer }: { readonly tokens: number; readonly token: number; readonly layer: number },
): number {
  const queries = heads * headDim;
  const keys = 2 * width * keyValueHeads * headDim;
  const out = queries * width;
  const feed = 3 * width * mlpWidth;
  const rows = tokens - token;
  const attending = 2 * queries * tokens; // with keys and values of all tokens
  const row = width * queries + keys + attending + out + feed;
  const whole = Math.max(0, layers - 2 - layer) * rows * row;
  // Of the last layer only one row is read.
  const last = layer === layers - 1 ? 0 : rows * keys + row - keys;
  return 2 * (out + feed + whole + last + width * vocabulary);
}
