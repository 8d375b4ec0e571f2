/** Red below 0, blue above: the ends of ColorBrewer's RdBu, which colour-blind readers tell apart. */
export const NEGATIVE = [178, 24, 43] as const;
export const POSITIVE = [33, 102, 172] as const;

const MIDDLE = [247, 247, 247] as const;
const MISSING = [196, 196, 196] as const;
const DARK = [26, 26, 26] as const;
const LIGHT = [255, 255, 255] as const;

/** Red, green and blue, 0 to 255. */
export type Colour = readonly [red: number, green: number, blue: number];

/** The ink and the background of a value: the stronger, the nearer it is to the extent; grey where there is none. */
export function cellColours(value: number | null, extent: number): [ink: Colour, background: Colour] {
  if (value === null) return [DARK, MISSING];
  const strength = Math.min(1, Math.abs(value) / (extent || 1));
  const end = value < 0 ? NEGATIVE : POSITIVE;
  const channel = (i: 0 | 1 | 2) => MIDDLE[i] + strength * (end[i] - MIDDLE[i]);
  return [strength > 0.6 ? LIGHT : DARK, [channel(0), channel(1), channel(2)]];
}

/** How much of the picture under it the strongest colour hides. */
export const OPAQUE = 0.85;

/** A value as it looks over a picture in grey of middle brightness, which shows where it is 0. */
export function overGrey(value: number, extent: number): Colour {
  const strength = Math.min(1, Math.abs(value) / (extent || 1)) * OPAQUE;
  const end = value < 0 ? NEGATIVE : POSITIVE;
  const channel = (i: 0 | 1 | 2) => GREY + strength * (end[i] - GREY);
  return [channel(0), channel(1), channel(2)];
}

const GREY = 150;

/** `#b2182b`, as an attribute of a drawing has it. */
export function hex(colour: Colour): string {
  return `#${colour.map((channel) => Math.round(channel).toString(16).padStart(2, "0")).join("")}`;
}
