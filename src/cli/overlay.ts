import type { Command } from "commander";
import { mean } from "../base/mean.js";
import { type Overlay, overlay } from "../display/overlay.js";
import { show } from "../display/show.js";
import { terminalOf } from "../display/terminal.js";
import { lookingSite } from "../patching/answer-attention.js";
import type { HeadPlace } from "../patching/head-place.js";
import type { Cut } from "../patching/knock-out.js";
import { noiseAttention } from "../patching/nulls.js";
import type { Pair } from "../patching/pair.js";
import { patch } from "../patching/patch.js";
import type { Position } from "../patching/positions.js";
import { checkSite, type Site } from "../patching/sites.js";
import { fixed3 } from "./decimals.js";
import { modelCommand, tokenPosition, wholeNumber, withBackend, withJson } from "./options.js";
import { figureKind, printResult, writeTo } from "./outputs.js";
import { type OnePairOptions, withOnePair, withPair } from "./pair-options.js";
import { parseHead } from "./places.js";

interface OverlayCommandOptions extends OnePairOptions {
  readonly site?: Site;
  readonly head?: HeadPlace;
  readonly position?: Position;
  readonly tile?: number;
  readonly draws: number;
}

/** What the clean run loses where a head looks elsewhere. */
interface Elsewhere {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly draws: number;
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
    .option("--draws <number>", "random orders of its attention, as a control; 0: none", wholeNumber, 20)
    .option("--out <file>", "the figure, a .png or .svg file; - for a PNG on standard output. Default: the terminal");
  return withJson(withBackend(command)).action(runOverlay);
}

async function runOverlay(model: string, options: OverlayCommandOptions): Promise<void> {
  const { site, head, position, tile, out, draws } = options;
  const kind = out === undefined ? "png" : figureKind(out, "--out");
  const draw = async (pair: Pair) => {
    const look = await overlay(pair, { ...head, site, position, tile });
    const { picture: _, ...found } = look;
    const shown = show(look);
    if (out !== undefined) await writeTo(out, kind, (await (kind === "svg" ? shown.svg() : shown.png()))!);
    const noise = await lossElsewhere(pair, { ...look, site: site ?? lookingSite(pair.model)! }, draws);
    const said = () =>
      out === undefined ? shown.text(terminalOf(process.stdout)) : [look.title, ...look.subtitle].join("\n");
    const lines = () => [said(), ...(noise ? [control(noise)] : [])].join("\n");
    await printResult({ model, site: site ?? null, ...found, elsewhere: noise }, () => `${lines()}\n`, options);
  };
  await withOnePair(model, options, draw, { outKind: kind });
}

/** The null of a look: the weights of the head's attention at the token, in random orders. */
async function lossElsewhere(
  pair: Pair,
  { site, layer, head, token }: { readonly site: Site } & Pick<Overlay, "layer" | "head" | "token">,
  draws: number,
): Promise<Elsewhere | null> {
  const pattern = site.replace(/(self|cross)\.\w+$/, "$1.pattern") as Cut["site"];
  const losses: number[] = [];
  for (let seed = 0; seed < draws; seed++) {
    const options = { direction: "noise", source: noiseAttention(pair, { seed }) } as const;
    const { effect } = await patch(pair, [{ site: pattern, layer, head, position: token }], options);
    if (effect === null) return null;
    losses.push(effect);
  }
  if (losses.length === 0) return null;
  return { mean: mean(losses), low: Math.min(...losses), high: Math.max(...losses), draws };
}

const control = ({ mean, low, high, draws }: Elsewhere) =>
  `With the weights of its attention there in a random order the clean run loses ${fixed3(mean)} of the logit difference ` +
  `(${fixed3(low)} to ${fixed3(high)} in ${draws} draws).`;
