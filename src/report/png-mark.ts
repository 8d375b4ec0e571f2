/** A PNG's chunk that names the software that made it: length, type, text, checksum. */
const MARK = new Uint8Array([
  ...[0, 0, 0, 19],
  ...new TextEncoder().encode("tEXtSoftware\0vlm-notice"),
  ...[0x66, 0x0d, 0xe1, 0x13],
]);

/** Behind the signature and the header. */
const AT = 33;

/** A PNG that says that it is ours, so that it may be written anew. */
export function withMark(png: Uint8Array): Uint8Array {
  const marked = new Uint8Array(png.length + MARK.length);
  marked.set(png.subarray(0, AT));
  marked.set(MARK, AT);
  marked.set(png.subarray(AT), AT + MARK.length);
  return marked;
}
