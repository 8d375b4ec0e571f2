import { NoticeError } from "../base/errors.js";
import { checkShape, keysOf } from "../base/options.js";
import { towerOf, towerSize } from "../model/architecture.js";
import type { ArchitectureName } from "../model/architectures.js";
import type { MeasuredReading } from "./metrics.js";
import { checkPair, type Direction, type Pair } from "./pair.js";
import type { Position, PositionAt } from "./positions.js";
import { checkIndex, checkLayer, headCount, indexes } from "./run.js";
import { type Axis, Scores } from "./scores.js";
import { type HeadNumbers, resolveSelection, type Spot, tokenCount } from "./selection.js";
import type { HeadSite, Site, SiteParts } from "./sites.js";

/** Which patches of a site are scored. */
export interface TableOptions {
  /** Default: all. */
  readonly layers?: number | readonly number[];
  /** The same: `{ layer: 1, head: 2 }` is a place here too. */
  readonly layer?: number | readonly number[];
  /** Default: all, where the site has heads. */
  readonly heads?: HeadNumbers;
  /** The same. */
  readonly head?: HeadNumbers;
  /** Default `"all"`. */
  readonly position?: Position;
  /**
   * Patch all positions at once, so that the table has no token axis. Default: each by itself where they are the
   * question's tokens, together where they are the image's.
   */
  readonly together?: boolean;
  /** Default `denoise`. */
  readonly direction?: Direction;
}

/** The same for one site: heads only where it has some, words only where its tokens are the question's. */
export type SiteTable<A extends ArchitectureName = ArchitectureName> = TableOptions &
  PositionAt<A> &
  ({ readonly site: HeadSite<A> } | { readonly site: Site<A>; readonly head?: undefined; readonly heads?: undefined });

/** A table before it is known what goes with what. */
export interface UncheckedTable extends TableOptions {
  readonly site: string;
}

export const TABLE_KEYS = keysOf<UncheckedTable>({
  site: true,
  layers: true,
  layer: true,
  heads: true,
  head: true,
  position: true,
  together: true,
  direction: true,
});

/**
 * A place and the options that follow it as one, whichever of the two an option stands in.
 *
 * @param keys of options, beside those of a table.
 * @throws NoticeError `options` for a key that nobody reads, or one that is given twice.
 */
export function placeAndOptions<Given extends UncheckedTable>(
  of: string,
  place: Given,
  options: Partial<Given> | undefined,
  keys: readonly string[],
): Given {
  checkShape(of, place, { such: '{ site: "text.cross.z" }', keys: [...TABLE_KEYS, ...keys] });
  if (options === undefined) return place;
  const after = ["direction", "together", ...keys];
  checkShape(`${of}, after the place,`, options, { such: '{ direction: "noise" }', keys: after });
  const twice = Object.keys(options).find((key) => place[key as keyof Given] !== undefined);
  if (twice !== undefined)
    throw new NoticeError("options", `${twice} is given to ${of} twice, in the place and after it; give it once.`);
  return { ...place, ...options };
}

/** The numbers of one kind that a table names, by either of its two names. @throws NoticeError `options` */
function numbersOf(options: TableOptions, one: "layer" | "head"): readonly number[] | undefined {
  const several = `${one}s` as const;
  const [single, list] = [options[one], options[several]];
  if (single !== undefined && list !== undefined)
    throw new NoticeError("options", `${one} and ${several} are two names of one thing; give one of the two.`);
  const named = single ?? list;
  if (named === undefined || Array.isArray(named)) return named === undefined ? undefined : [...new Set(named)];
  if (typeof named !== "number")
    throw new NoticeError(
      "options",
      `${single === undefined ? several : one} is ${JSON.stringify(named)}; a number or a list such as [0, 1] was expected.`,
    );
  return [named];
}

/** A patch and its index along the axes of the table. */
export interface Cell {
  readonly index: readonly number[];
  readonly spot: Spot;
}

/** Whether all positions are patched at once. */
export function patchedTogether({ tokens }: SiteParts, { together }: TableOptions): boolean {
  return together ?? tokens === "image";
}

/**
 * The patches of a table, by layer.
 *
 * @throws NoticeError `site`, `options`
 */
export function tableCells(pair: Pair, parts: SiteParts, options: TableOptions): Cell[][] {
  checkPair(pair);
  const { site } = parts;
  const { position = "all" } = options;
  const together = patchedTogether(parts, options);
  const [chosenLayers, chosenHeads] = [numbersOf(options, "layer"), numbersOf(options, "head")];
  if (chosenHeads && !parts.perHead)
    throw new NoticeError("site", `${site} has no heads to choose from; leave heads out.`);
  const layers = chosenLayers ?? indexes(towerSize(pair.model, parts.tower).layers);
  const count = headCount(pair.model, parts);
  const heads = parts.perHead ? (chosenHeads ?? indexes(count)) : [undefined];
  if (layers.length === 0 || heads.length === 0)
    throw new NoticeError("options", "An empty set of layers or heads sweeps nothing; leave it out to sweep all.");
  for (const layer of layers) checkLayer(pair.model, parts.tower, layer);
  for (const head of heads) if (head !== undefined) checkIndex("head", head, count, `the ${parts.tower} tower`);
  const { tokens } = resolveSelection(pair, { site, layer: layers[0]!, position });
  return layers.map((layer) =>
    heads.flatMap((head) =>
      (together ? [tokens] : tokens.map((token) => [token])).map((patched) => ({
        index: [layer, ...(head === undefined ? [] : [head]), ...(together ? [] : patched)],
        spot: { parts, layer, heads: head === undefined ? [] : [head], tokens: patched },
      })),
    ),
  );
}

/**
 * The table of a whole site, with nothing in it yet.
 *
 * @param readings of both runs, by whose names there is a table where it is one of its own.
 */
export function emptyScores(
  pair: Pair,
  parts: SiteParts,
  options: TableOptions,
  readings: Readings = pair.readings,
): Scores {
  const { direction = "denoise" } = options;
  const together = patchedTogether(parts, options);
  const { layers } = towerSize(pair.model, parts.tower);
  const count = tokenCount(pair, parts);
  const axes: [Axis, number][] = [["layer", layers]];
  if (parts.perHead) axes.push(["head", headCount(pair.model, parts)]);
  if (!together) axes.push(["token", count]);
  const { prob, logitDiff, ...own } = readings.clean;
  const facts = {
    model: pair.modelName,
    direction,
    mode: pair.mode,
    site: parts.site,
    tokens: together ? pair.question.tokens : siteTokens(pair, parts),
    answers: pair.answers,
    ...readings,
    axes: axes.map(([axis]) => axis),
    shape: axes.map(([, size]) => size),
  };
  return new Scores(facts, Object.keys(own));
}

/** What both runs of a pair say, by metric. */
export interface Readings {
  readonly clean: MeasuredReading;
  readonly corrupted: MeasuredReading;
}

/** Names the positions of a site; the patches of an image by row and column. */
function siteTokens(pair: Pair, parts: SiteParts): readonly string[] {
  const { model, question } = pair;
  if (parts.tokens === "question") return question.tokens;
  const { names } = towerOf(model, parts.tokensOf);
  return names(model.config, tokenCount(pair, parts) / names(model.config).length);
}
