import { WriteStream } from "node:tty";
import type { Colour } from "../page/colour.js";

/** What text is written for. */
export interface Terminal {
  readonly columns: number;
  /** 0 where there is no colour, 256, or 2^24. */
  readonly colours: 0 | 256 | 16_777_216;
}

/** No colour, 80 columns: a pipe, a file, a notebook's plain text. */
export const PLAIN: Terminal = { columns: 80, colours: 0 };

/**
 * The terminal behind a stream. NO_COLOR, FORCE_COLOR, TERM and COLORTERM are looked at as Node does; fewer than 256
 * colours count as none.
 */
export function terminalOf(stream: object, env: Readonly<Record<string, string | undefined>> = process.env): Terminal {
  const { isTTY, columns = PLAIN.columns } = stream as Partial<WriteStream>;
  // NO_COLOR holds by being set to something (no-color.org), whatever FORCE_COLOR says.
  const depth = !env.NO_COLOR && (isTTY || env.FORCE_COLOR) ? WriteStream.prototype.getColorDepth(env) : 1;
  return { columns: Math.max(columns, 20), colours: depth >= 24 ? 16_777_216 : depth >= 8 ? 256 : 0 };
}

/** Text in a colour, on another; as it is where the terminal has none. */
export function paint(text: string, colour: Colour, background: Colour, terminal: Terminal): string {
  if (terminal.colours === 0) return text;
  return `\x1b[38;${code(colour, terminal)};48;${code(background, terminal)}m${text}\x1b[0m`;
}

function code(colour: Colour, { colours }: Terminal): string {
  return colours === 256 ? `5;${nearest256(colour)}` : `2;${colour.map(Math.round).join(";")}`;
}

const STEPS = [0, 95, 135, 175, 215, 255] as const;

/** The nearest of xterm's 6 x 6 x 6 cube (from 16) and its 24 greys (from 232: 8, 18, …, 238). */
export function nearest256(colour: Colour): number {
  const [r, g, b] = colour.map(nearestStep) as [number, number, number];
  const mean = (colour[0] + colour[1] + colour[2]) / 3;
  const grey = Math.min(23, Math.max(0, Math.round((mean - 8) / 10)));
  const level = 8 + 10 * grey;
  const inCube = distance(colour, [STEPS[r]!, STEPS[g]!, STEPS[b]!]);
  return distance(colour, [level, level, level]) < inCube ? 232 + grey : 16 + 36 * r + 6 * g + b;
}

function nearestStep(value: number): number {
  const distances = STEPS.map((step) => Math.abs(step - value));
  return distances.indexOf(Math.min(...distances));
}

const distance = (a: Colour, b: Colour) => a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0);
