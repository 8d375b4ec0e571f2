import * as tf from "@tensorflow/tfjs-core";
import { checkList, NoticeError } from "../base/errors.js";
import { checkShape, keysOf } from "../base/options.js";
import { turn } from "../base/turn.js";
import { towersOf } from "../model/architecture.js";
import type { ArchitectureName } from "../model/architectures.js";
import { inTurns } from "../model/steps.js";
import { type Attributed, attributions, changes, isShared, type Slope } from "./attributions.js";
import { towersAfter } from "./backward.js";
import { PASS_KEYS, type PassOptions, slopesAtOnce } from "./budget.js";
import { shareOfWay } from "./metrics.js";
import { checkPair, type Pair } from "./pair.js";
import type { Scores } from "./scores.js";
import { parseSite, type Site, type SiteParts } from "./sites.js";
import { patternOf } from "./softmax.js";
import {
  type Cell,
  emptyScores,
  placeAndOptions,
  type SiteTable,
  TABLE_KEYS,
  type TableOptions,
  tableCells,
} from "./table.js";

/** Each is a pass; more are a mistake. */
const MOST_STEPS = 10_000;

/** Which patches are estimated, and how. */
export interface AttributeOptions extends TableOptions, PassOptions {
  /**
   * Integrated gradients: the mean gradient over this many passes between the two, whose inputs (the embedded picture
   * and question) are mixtures. Default: the gradient of the patched pass alone.
   */
  readonly steps?: number;
  /** For queries and keys: the softmax is computed anew for each changed one, and only what follows is linearised. */
  readonly qkFix?: boolean;
  /**
   * GradDrop: one more backward pass for each layer, in which what that layer writes counts as constant. The
   * attribution is the sum of their absolute values, divided by the number of layers less one; it has no sign. It finds
   * heads whose direct effect is cancelled by a later layer.
   */
  readonly gradDrop?: boolean;
}

/** What may stand in the place, or in the options after it. */
export type AttributeAfterPlace = Omit<AttributeOptions, "layers" | "layer" | "heads" | "head" | "position">;

export const ATTRIBUTE_KEYS = [
  ...PASS_KEYS,
  ...keysOf<Omit<AttributeOptions, keyof TableOptions | keyof PassOptions>>({
    steps: true,
    qkFix: true,
    gradDrop: true,
  }),
];

/** The same for one site. */
export type SiteAttribution<A extends ArchitectureName = ArchitectureName> = AttributeOptions &
  SiteTable<A> &
  ({ readonly site: QueryOrKeySite<A> } | { readonly site: Site<A>; readonly qkFix?: false });

type QueryOrKeySite<A extends ArchitectureName> = Extract<Site<A>, `${string}.${"q" | "k"}`>;

/**
 * Estimates the effect of every patch of a site to first order, from one backward pass instead of one pass for each
 * patch: (source - base) · ∂ logitDiff / ∂ value, with the gradient at the pass that would be patched. This is
 * attribution patching (Nanda 2023; Syed et al. 2310.10348). `steps` is EAP-IG's form (Hanna et al. 2403.17806);
 * `qkFix` and `gradDrop` are AtP*'s corrections (Kramár et al. 2403.00745).
 *
 * The table is `sweep`'s: `logitDiff` holds the attribution, `effect` its share of the way; `prob` and `probDiff` are
 * null.
 *
 * @throws NoticeError `site`, `options`, `memory` before anything is run.
 */
export async function attribute<A extends ArchitectureName>(
  pair: Pair<A>,
  place: SiteAttribution<A>,
  options?: AttributeAfterPlace,
): Promise<Scores>;
export async function attribute(
  pair: Pair,
  place: AttributeOptions & { readonly site: string },
  after?: AttributeAfterPlace,
): Promise<Scores> {
  checkPair(pair);
  const options = placeAndOptions("attribute", place, after, ATTRIBUTE_KEYS);
  if (options.qkFix && !patternOf(pair.model, parseSite(pair.model, options.site)))
    throw new NoticeError(
      "options",
      `qkFix is for queries and keys, such as text.cross.q, and the site is ${options.site}; leave it out.`,
    );
  return (await attributeSites(pair, [options.site], options))[0]!;
}

/** The same for several sites, of any towers, from the same backward pass. */
export async function attributeAll<A extends ArchitectureName>(
  pair: Pair<A>,
  sites: readonly Site<A>[],
  options?: AttributeOptions,
): Promise<Scores[]>;
export async function attributeAll(
  pair: Pair,
  sites: readonly string[],
  options: AttributeOptions = {},
): Promise<Scores[]> {
  checkPair(pair);
  checkList("The sites of attributeAll", sites, '["text.cross.z"]');
  const keys = [...TABLE_KEYS.filter((key) => key !== "site"), ...ATTRIBUTE_KEYS];
  checkShape("attributeAll", options, { such: "{ steps: 5 }", keys });
  return attributeSites(pair, sites, options);
}

/** The same of sites that nobody has looked at yet. */
export async function attributeSites(
  pair: Pair,
  sites: readonly string[],
  options: AttributeOptions,
): Promise<Scores[]> {
  const { direction = "denoise", steps = 0, gradDrop = false } = options;
  if (!Number.isInteger(steps) || steps < 0 || steps > MOST_STEPS)
    throw new NoticeError(
      "options",
      `steps is ${steps}; a whole number up to ${MOST_STEPS} was expected, 0 for the plain gradient.`,
    );
  checkPair(pair);
  const tables = sites.map((site) => {
    const parts = parseSite(pair.model, site);
    return { parts, cells: tableCells(pair, parts, options).flat() };
  });
  const moving = tables.filter(({ parts }) => !isShared(pair, parts));
  const backwards = backwardPasses(pair, moving, gradDrop);
  const sums = await sumSlopes(pair, tables, backwards, options);
  const { baseReading, sourceReading } = pair.sides(direction);
  const way = sourceReading.logitDiff - baseReading.logitDiff;
  return tables.map(({ parts, cells }, i) => {
    const scores = emptyScores(pair, parts, options);
    for (const [at, { index }] of cells.entries()) {
      const each = sums[i]!.map((found) => found[at]! / Math.max(1, steps));
      const total = (size: (value: number) => number) =>
        each.reduce((sum, value, pass) => sum + backwards[pass]!.weight * size(value), 0);
      const logitDiff = total(gradDrop ? Math.abs : (value) => value);
      const effect = shareOfWay(logitDiff, gradDrop ? Math.abs(way) : way);
      scores.set(index, { prob: null, probDiff: null, logitDiff, effect });
    }
    return scores;
  });
}

/** What is attributed at one site. */
interface SiteCells {
  readonly parts: SiteParts;
  readonly cells: readonly Cell[];
}

/** One of the backward passes through one forward pass, and what it counts for. */
interface Backward extends Pick<Slope, "dropped"> {
  readonly weight: number;
}

/**
 * One plain backward pass, or for GradDrop one for each dropped layer. A value has no attribution when its own layer
 * is dropped, so the mean is over one layer less (Kramár et al. 2403.00745, section 3.2). Layers before all of the
 * sites change nothing when dropped: the plain gradient stands for all of them.
 */
function backwardPasses({ model }: Pair, tables: readonly SiteCells[], gradDrop: boolean): Backward[] {
  if (!gradDrop) return [{ weight: 1 }];
  const leading = towersAfter(model, new Set(tables.map(({ parts }) => parts.tower)));
  const layers = towersOf(model).flatMap(([tower, { size }]) =>
    Array.from({ length: size(model.config).layers }, (_, layer) => ({ tower, layer })),
  );
  const after = layers.filter(({ tower }) => leading.has(tower));
  const weight = 1 / (layers.length - 1);
  const before = layers.length - after.length;
  return [...(before > 0 ? [{ weight: before * weight }] : []), ...after.map((dropped) => ({ dropped, weight }))];
}

/** Per site, backward pass and cell: the sum of its attribution over the steps. */
async function sumSlopes(
  pair: Pair,
  tables: readonly SiteCells[],
  backwards: readonly Backward[],
  { direction = "denoise", steps = 0, qkFix = false, memory, signal, onProgress }: AttributeOptions,
): Promise<Float64Array[][]> {
  const sums = tables.map(({ cells }) => backwards.map(() => new Float64Array(cells.length)));
  const changing = tables.flatMap((table, i) => (isShared(pair, table.parts) ? [] : [{ ...table, sums: sums[i]! }]));
  if (changing.length === 0) return sums;
  const shares = steps === 0 ? [0] : Array.from({ length: steps }, (_, step) => (step + 0.5) / steps);
  const slopes = shares.flatMap((share) => backwards.map(({ dropped }, backward) => ({ share, dropped, backward })));
  const sites = changing.map(({ parts }) => parts);
  const size = slopesAtOnce(pair, sites, memory);
  const linear = sites.filter((site) => !qkFix || !patternOf(pair.model, site));
  const differences = changes(pair, linear, direction);
  try {
    const wanted = sites.map((site): Attributed => ({ site, changes: differences[linear.indexOf(site)] ?? [] }));
    for (let from = 0; from < slopes.length; from += size) {
      await turn(signal);
      const batch = slopes.slice(from, from + size);
      const steps = () => attributions(pair, batch, wanted, { direction, qkFix });
      const found = await inTurns(steps, (tensors) => tensors, signal);
      try {
        for (const [i, { cells, sums }] of changing.entries()) {
          const values = await found[i]!.data();
          for (const [pass, { backward }] of batch.entries())
            for (const [at, { spot }] of cells.entries())
              sums[backward]![at]! += sumOver(values, found[i]!.shape, pass, spot);
        }
      } finally {
        tf.dispose(found);
      }
      onProgress?.(from + batch.length, slopes.length);
    }
  } finally {
    tf.dispose(differences);
  }
  return sums;
}

/** The sum over a cell's places in one pass: to first order, patches add up. */
function sumOver(
  values: ArrayLike<number>,
  shape: readonly number[],
  pass: number,
  { parts, layer, heads, tokens }: Cell["spot"],
): number {
  const [, passes, first, second = 1] = shape as [number, number, number, number?];
  let sum = 0;
  for (const token of tokens)
    for (const head of parts.perHead ? heads : [0]) {
      const [row, column] = parts.isPattern ? [head, token] : [token, head];
      sum += values[((layer * passes + pass) * first + row) * second + column]!;
    }
  return sum;
}
