import { Buffer } from "node:buffer";
import { checkAwaited, NoticeError } from "../base/errors.js";
import { checkShape } from "../base/options.js";
import { html } from "../report/html.js";
import { SCORE_MAP_KEYS, type ScoreMapOptions } from "../report/score-map.js";
import { PLAIN, type Terminal } from "./terminal.js";
import type { View } from "./view.js";
import { type Showable, viewOf } from "./views.js";

/** What Deno's Jupyter kernel calls of the value of a cell. */
export const JUPYTER_DISPLAY = Symbol.for("Jupyter.display");

/** One thing in the forms that a notebook chooses from, by MIME type; pictures in base64. */
export type MimeBundle = Readonly<Record<string, string>>;

/** A value as it is looked at. As the value of a notebook's cell or at the prompt it shows itself. */
export class Shown {
  constructor(private readonly view: View) {}

  /** For a terminal. Default: 80 columns without colour. */
  text(terminal: Terminal = PLAIN): string {
    return this.view.text(terminal);
  }

  /** The bytes of a PNG file, or undefined where it is text. */
  async png(): Promise<Uint8Array | undefined> {
    return this.view.png?.();
  }

  /** An SVG document, or undefined where it is none. */
  async svg(): Promise<string | undefined> {
    return this.view.svg?.();
  }

  /** All forms that there are: `text/plain`, and of pictures `image/png`, `text/html` and, of maps, `image/svg+xml`. */
  async bundle(): Promise<MimeBundle> {
    const [png, svg] = [await this.png(), await this.svg()];
    if (png === undefined) return { "text/plain": this.text() };
    const base64 = Buffer.from(png).toString("base64");
    const source = svg === undefined ? `data:image/png;base64,${base64}` : dataAddress(svg);
    return {
      "text/plain": this.text(),
      "image/png": base64,
      ...(svg === undefined ? {} : { "image/svg+xml": svg }),
      "text/html": html`<figure style="margin:0"><img src="${source}" alt="${this.view.caption}"></figure>`.markup,
    };
  }

  /** For a notebook. */
  [JUPYTER_DISPLAY](): Promise<MimeBundle> {
    return this.bundle();
  }

  /** As `text` of a plain terminal. */
  toString(): string {
    return this.text();
  }
}

/**
 * Looks at a value: a head map as a grid or a figure, a picture, an overlay, a tensor's size and corners.
 *
 * @param options which scores of a sweep are shown.
 * @throws NoticeError `options` where there is nothing to look at.
 * @example console.log(`${show(scores, { metric: "logitDiff", token: 3 })}`)
 */
export function show(value: Showable, options: ScoreMapOptions = {}): Shown {
  checkAwaited("What is shown", value);
  checkShape("show", options, { such: "{ metric }", keys: SCORE_MAP_KEYS });
  const view = viewOf(value, options);
  if (view) return new Shown(view);
  throw new NoticeError(
    "options",
    `There is no picture of ${typeof value === "object" ? "such an object" : `a ${typeof value}`}; scores, an overlay, a picture, a pair, ` +
      "a pair's input with its picture as pixels, or a tensor was expected.",
  );
}

function dataAddress(svg: string): string {
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString("base64")}`;
}
