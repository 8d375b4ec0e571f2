/** Levels from black to white, [256, 3]. */
export const GREYS = Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3));

/** 256 colours, [256, 3]; those that are missing are black, as an index past the palette is in Pillow. */
export function padded(palette: Uint8Array): Uint8Array {
  const full = new Uint8Array(768);
  full.set(palette.subarray(0, 768));
  return full;
}

/** Whether the colours are 0, 1, 2 … in grey. Pillow then takes indices for levels, those past the palette too. */
export function isGreyRamp(palette: Uint8Array): boolean {
  return palette.every((level, i) => level === Math.floor(i / 3));
}

/** The colours of indices, [count, 3]. */
export function coloured(indices: Uint8Array, palette: Uint8Array): Uint8Array {
  const data = new Uint8Array(indices.length * 3);
  for (let from = 0, to = 0; from < indices.length; from++, to += 3) {
    const colour = indices[from]! * 3;
    data[to] = palette[colour]!;
    data[to + 1] = palette[colour + 1]!;
    data[to + 2] = palette[colour + 2]!;
  }
  return data;
}
