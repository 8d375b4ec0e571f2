import type { Command } from "commander";
import { overlay } from "../display/overlay.js";
import { show } from "../display/show.js";
import { terminalOf } from "../display/terminal.js";
import type { Pair } from "../patching/pair.js";
import type { Position } from "../patching/positions.js";
import { checkSite, type Site } from "../patching/sites.js";
import { modelCommand, tokenPosition, wholeNumber, withBackend, withJson } from "./options.js";
import { figureKind, printResult, writeTo } from "./outputs.js";
import { type OnePairOptions, withOnePair, withPair } from "./pair-options.js";
import { parseHead } from "./places.js";

interface OverlayCommandOptions extends OnePairOptions {
  readonly site?: Site;
  readonly head?: { readonly layer: number; readonly head: number };
  readonly position?: Position;
  readonly tile?: number;
}

/** `notice overlay MODEL`: where a head looks, on the picture, with its title and a scale of the colours. */
export function overlayCommand(): Command {
  const command = modelCommand("overlay", "draw where a head looks, on the clean picture");
  withPair(command)
    .option("--site <site>", "such as vision.self.pattern; default: the attention that looks at the picture", checkSite)
    .option("--head <head>", "such as L2H3; default: the head that restores most of the answer at the token", parseHead)
    .option(
      "--position <where>",
      "the token that it looks from: answer, last, a word, an index; default: answer, of decoder-only models last",
      tokenPosition,
    )
    .option("--tile <number>", "of a picture in tiles; default: the last, which is the whole picture", wholeNumber)
    .option("--out <file>", "the figure, a .png or .svg file; - for a PNG on standard output. Default: the terminal");
  return withJson(withBackend(command)).action(runOverlay);
}

async function runOverlay(model: string, options: OverlayCommandOptions): Promise<void> {
  const { site, head, position, tile, out } = options;
  const kind = out === undefined ? "png" : figureKind(out, "--out");
  const draw = async (pair: Pair) => {
    const look = await overlay(pair, { ...head, site, position, tile });
    const { picture: _, ...found } = look;
    const shown = show(look);
    if (out !== undefined) await writeTo(out, kind, (await (kind === "svg" ? shown.svg() : shown.png()))!);
    const lines = () =>
      out === undefined ? shown.text(terminalOf(process.stdout)) : [look.title, ...look.subtitle].join("\n");
    await printResult({ model, site: site ?? null, ...found }, () => `${lines()}\n`, options);
  };
  await withOnePair(model, options, draw, { outKind: kind });
}
