/**
 * A piece of a vocabulary as the text that it stands for, without a space before it. SentencePiece writes that as ▁;
 * byte-level BPE writes it as Ġ, and every byte as a letter.
 */
export function pieceText(piece: string): string {
  if (piece.startsWith("▁")) return piece.slice(1);
  if (!piece.startsWith("Ġ")) return piece;
  const bytes = Array.from(piece.slice(1), (letter) => BYTES.get(letter));
  if (!bytes.every((byte) => byte !== undefined)) return piece.slice(1);
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

/** GPT-2's `bytes_to_unicode`: what is printable in Latin-1 stands for itself, the others from U+0100 on. */
const BYTES = new Map<string, number>();
for (let byte = 0, next = 256; byte < 256; byte++) {
  const itself = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  BYTES.set(String.fromCharCode(itself ? byte : next++), byte);
}
