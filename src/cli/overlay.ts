import { Command, InvalidArgumentError } from "commander";
import { overlay } from "../display/overlay.js";
import { show } from "../display/show.js";
import { terminalOf } from "../display/terminal.js";
import type { Position } from "../patching/positions.js";
import { checkSite } from "../patching/sites.js";
import { loadModel, type ModelOptions, wholeNumber, withBackend, withJson } from "./options.js";
import { checkOutputs, figureKind, type Outputs, printResult, writeTo } from "./outputs.js";
import { type PairOptions, pairInput, withPair } from "./pair-options.js";
import { tokenPosition } from "./score-table.js";

interface OverlayCommandOptions extends Outputs, ModelOptions, PairOptions {
  readonly site?: string;
  readonly head?: { readonly layer: number; readonly head: number };
  readonly position?: Position;
  readonly tile?: number;
}

/** `notice overlay MODEL`: where a head looks, on the picture, with its title and a scale of the colours. */
export function overlayCommand(): Command {
  const command = new Command("overlay")
    .description("draw where a head looks, on the clean picture")
    .argument("<model>", "checkpoint folder, or hub id such as Salesforce/blip-vqa-base");
  withPair(command)
    .option("--site <site>", "such as vision.self.pattern; default: the attention that looks at the picture")
    .option("--head <head>", "such as L2H3; default: the head that restores most of the answer at the token", oneHead)
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
  const { head, position, tile, out, json } = options;
  const site = options.site === undefined ? undefined : checkSite(options.site);
  const input = pairInput(options);
  const kind = out === undefined ? "png" : figureKind(out, "--out");
  await checkOutputs({ out, json }, kind);
  using loaded = await loadModel(model, options);
  using pair = await loaded.pair(input);
  const look = await overlay(pair, { ...head, site, position, tile });
  const { picture: _, ...found } = look;
  const shown = show(look);
  if (out !== undefined) await writeTo(out, kind, (await (kind === "svg" ? shown.svg() : shown.png()))!);
  const lines = () =>
    out === undefined ? shown.text(terminalOf(process.stdout)) : [look.title, ...look.subtitle].join("\n");
  await printResult({ model, site: site ?? null, ...found }, () => `${lines()}\n`, { out, json });
}

function oneHead(text: string): { layer: number; head: number } {
  const [, layer, head] = /^L(\d{1,3})H(\d{1,4})$/.exec(text) ?? [];
  if (head === undefined) throw new InvalidArgumentError("A head such as L2H3 was expected.");
  return { layer: Number(layer), head: Number(head) };
}
