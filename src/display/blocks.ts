import type { Colour } from "../page/colour.js";
import type { Picture } from "../pictures/picture.js";
import { scaleTo } from "../report/overlay.js";
import { PLAIN, paint, type Terminal } from "./terminal.js";

/** From dark to bright. */
const GREYS = " .:-=+*#%@";

/**
 * A picture as half-block pixels, two rows to a line: `▀` in the colour of the upper one, on that of the lower one.
 * Without colour, a letter for the brightness of both.
 *
 * @param side of the longer side at most, in pixels.
 * @throws NoticeError `image` where the picture's data is not [height, width, 3].
 */
export function pictureText(picture: Picture, terminal: Terminal = PLAIN, side = 48): string {
  const small = scaleTo(
    picture,
    Math.max(1, Math.min(side, terminal.columns, Math.max(picture.width, picture.height))),
  );
  const lines: string[] = [];
  for (let y = 0; y < small.height; y += 2) {
    const below = Math.min(y + 1, small.height - 1);
    let line = "";
    for (let x = 0; x < small.width; x++) {
      const [upper, lower] = [colourAt(small, x, y), colourAt(small, x, below)];
      line += terminal.colours > 0 ? paint("▀", upper, lower, terminal) : grey(upper, lower);
    }
    lines.push(line);
  }
  return lines.join("\n");
}

function colourAt({ data, width }: Picture, x: number, y: number): Colour {
  const at = 3 * (y * width + x);
  return [data[at]!, data[at + 1]!, data[at + 2]!];
}

function grey(...colours: readonly Colour[]): string {
  const sum = colours.reduce((sum, [r, g, b]) => sum + 0.299 * r + 0.587 * g + 0.114 * b, 0);
  return GREYS[Math.min(GREYS.length - 1, Math.floor((sum / colours.length / 256) * GREYS.length))]!;
}
