/**
 * Run-length encoded indices, one a byte, [height, width] in the order of the file. A run does not go past its row's
 * end; what is jumped over is 0. None where the file does not hold them all, as in Pillow.
 */
export function expandRuns(
  bytes: Uint8Array,
  start: number,
  bits: number,
  width: number,
  height: number,
): Uint8Array | undefined {
  const indices = new Uint8Array(width * height);
  let found = 0;
  let x = 0;
  const half = (byte: number, second: boolean) => (bits === 8 ? byte : second ? byte & 15 : byte >> 4);
  for (let at = start; found < indices.length; ) {
    if (at + 2 > bytes.length) return undefined;
    const [count, byte] = [bytes[at]!, bytes[at + 1]!];
    at += 2;
    if (count > 0) {
      const end = Math.min(found + Math.max(0, Math.min(count, width - x)), indices.length);
      x += end - found;
      for (let i = 0; found < end; i++) indices[found++] = half(byte, i % 2 === 1);
    } else if (byte === 0) {
      found = Math.ceil(found / width) * width;
      x = 0;
    } else if (byte === 1) return undefined;
    else if (byte === 2) {
      if (at + 2 > bytes.length) return undefined;
      found = Math.min(indices.length, found + bytes[at]! + bytes[at + 1]! * width);
      at += 2;
      x = found % width;
    } else {
      const some = Math.min(byte, indices.length - found);
      const length = bits === 8 ? some : Math.ceil(some / 2);
      if (at + length > bytes.length) return undefined;
      for (let i = 0; i < some; i++) indices[found++] = half(bytes[at + (bits === 8 ? i : i >> 1)]!, i % 2 === 1);
      x += byte;
      at += length + ((at + length) % 2);
    }
  }
  return indices;
}
