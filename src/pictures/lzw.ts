/** Codes have at most 12 bits. */
const MOST_CODES = 4096;

/**
 * Unpacks GIF's variant of LZW (codes of growing length, from the lowest bit on) until `wanted` values have been put.
 *
 * @param bits of a value.
 * @returns how many values were put: fewer where the codes end early or one is wrong.
 */
export function lzwDecode(coded: Uint8Array, bits: number, wanted: number, put: (value: number) => void): number {
  if (bits > 11) return 0;
  const clear = 1 << bits;
  // Each code's last value, and the code of what comes before it.
  const values = new Uint8Array(MOST_CODES);
  const links = new Uint16Array(MOST_CODES);
  const string = new Uint8Array(MOST_CODES + 1);
  let next = clear + 2;
  let size = bits + 1;
  let last = -1;
  let first = 0;
  let found = 0;
  let buffer = 0;
  let count = 0;
  for (let at = 0; found < wanted; ) {
    while (count < size && at < coded.length) {
      buffer |= coded[at++]! << count;
      count += 8;
    }
    if (count < size) return found;
    const code = buffer & ((1 << size) - 1);
    buffer >>>= size;
    count -= size;
    if (code === clear + 1) return found;
    if (code === clear) {
      [next, size, last] = [clear + 2, bits + 1, -1];
      continue;
    }
    if (last < 0 ? code > clear : code > next) return found;
    let length = 0;
    let rest = code;
    if (last >= 0 && code === next) {
      string[length++] = first;
      rest = last;
    }
    while (rest >= clear) {
      string[length++] = values[rest]!;
      rest = links[rest]!;
    }
    first = rest;
    string[length++] = rest;
    while (length > 0 && found < wanted) {
      put(string[--length]!);
      found++;
    }
    if (last >= 0 && next < MOST_CODES) {
      values[next] = first;
      links[next] = last;
      if (next === (1 << size) - 1 && size < 12) size++;
      next++;
    }
    last = code;
  }
  return found;
}
