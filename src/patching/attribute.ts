import * as tf from "@tensorflow/tfjs-core";
import { NoticeError } from "../errors.js";
import { type Activations, answerFrom, type BlipModel, seeFrom } from "../model/blip.js";
import { type SiteGradients, siteGradients } from "./backward.js";
import { logitDifference, shareOfWay } from "./metrics.js";
import type { Pair } from "./pair.js";
import { towerSize } from "./run.js";
import type { Scores } from "./scores.js";
import { parseSite, type Site, type SiteParts } from "./sites.js";
import { changeOfPattern, patternOf } from "./softmax.js";
import { fromRun } from "./sources.js";
import { type Cell, emptyScores, type SiteTable, type TableOptions, tableCells } from "./table.js";

/** Of which patches the effect is estimated, and how. */
export interface AttributeOptions extends TableOptions {
  /**
   * Integrated gradients: the mean gradient over this many passes between the two, whose inputs (the embedded picture and
   * question) are mixtures. Default: the gradient of the patched pass alone.
   */
  readonly steps?: number;
  /** For queries and keys: the softmax is computed anew for each changed one, and only what follows is linearised. */
  readonly qkFix?: boolean;
}

/** The same for one site. */
export type SiteAttribution = AttributeOptions &
  SiteTable &
  ({ readonly site: QueryOrKeySite } | { readonly site: Site; readonly qkFix?: false });

type QueryOrKeySite = Extract<Site, `${string}.${"q" | "k"}`>;

/**
 * What each patch of a site would do, to first order, from one backward pass instead of one pass a patch:
 * (source - base) · ∂ logitDiff / ∂ value, the gradient at the pass that would be patched. Attribution patching (Nanda 2023; Syed et al.
 * 2310.10348); `steps` is EAP-IG's form (Hanna et al. 2403.17806), `qkFix` the first of AtP*'s corrections (Kramár et al. 2403.00745).
 *
 * The table is `sweep`'s: `logitDiff` holds the attribution, `effect` its share of the way; `prob` and `probDiff` are null.
 *
 * @throws NoticeError `site`, `options` before anything is run.
 */
export async function attribute(pair: Pair, options: SiteAttribution): Promise<Scores> {
  if (options.qkFix && !patternOf(parseSite(options.site)))
    throw new NoticeError(
      "options",
      `qkFix is for queries and keys, such as text.cross.q, and the site is ${options.site}; leave it out.`,
    );
  return (await attributeAll(pair, [options.site], options))[0]!;
}

/** The same for several sites, of any towers, from the same backward pass. */
export async function attributeAll(
  pair: Pair,
  sites: readonly Site[],
  options: AttributeOptions = {},
): Promise<Scores[]> {
  const { direction = "denoise", steps = 0, qkFix = false } = options;
  if (!Number.isInteger(steps) || steps < 0)
    throw new NoticeError("options", `steps is ${steps}; a whole number was expected, 0 for the plain gradient.`);
  const chosen = sites.map((site) => ({ parts: parseSite(site), cells: tableCells(pair, parseSite(site), options) }));
  const { baseReading, sourceReading } = pair.sides(direction);
  const way = sourceReading.logitDiff - baseReading.logitDiff;
  const attributions = tf.tidy(() => {
    const parts = chosen.map(({ parts }) => parts);
    const towards = parts.map((site) => (qkFix ? (patternOf(site) ?? site) : site));
    const gradients = meanGradients(pair, [...new Map(towards.map((at) => [at.site, at])).values()], options);
    return parts.map((site, i) => attributionsOf(pair, site, towards[i]!, gradients, options));
  });
  try {
    return await Promise.all(
      chosen.map(async ({ parts, cells }, i) => {
        const scores = emptyScores(pair, parts, options);
        const values = await attributions[i]!.data();
        for (const { index, spot } of cells.flat()) {
          const logitDiff = sumOver(values, attributions[i]!.shape, spot);
          scores.set(index, { prob: null, probDiff: null, logitDiff, effect: shareOfWay(logitDiff, way) });
        }
        return scores;
      }),
    );
  } finally {
    tf.dispose(attributions);
  }
}

/** Gradients at the pass that would be patched, or their mean over passes between the two. */
function meanGradients(pair: Pair, sites: readonly SiteParts[], options: AttributeOptions): SiteGradients {
  const { direction = "denoise", steps = 0 } = options;
  const { model, answers } = pair;
  const { base, source } = pair.sides(direction);
  const objective = logitDifference(answers);
  if (steps === 0) return siteGradients(model, base.activations, objective, sites);
  let sums: tf.Tensor[] | undefined;
  for (let step = 0; step < steps; step++) {
    const before = sums;
    sums = tf.tidy(() => {
      const mixed = passBetween(model, base.activations, source.activations, (step + 0.5) / steps);
      const gradients = siteGradients(model, mixed, objective, sites);
      const flat = sites.flatMap(({ site }) => gradients[site]!);
      return flat.map((gradient, i) => (before ? tf.add(before[i]!, gradient) : gradient));
    });
    tf.dispose(before ?? []);
  }
  const means = sums!.map((sum) => tf.div(sum, steps));
  return Object.fromEntries(
    sites.map(({ site, tower }) => [site, means.splice(0, towerSize(model, tower).layers)]),
  ) as SiteGradients;
}

/** A pass whose embedded picture and question lie between those of two others. */
function passBetween(model: BlipModel, from: Activations, to: Activations, share: number): Activations {
  const mix = (a: tf.Tensor, b: tf.Tensor) => tf.add(tf.mul(a, 1 - share), tf.mul(b, share));
  const image = from.vision === to.vision ? from : seeFrom(model, mix(from.vision[0]!, to.vision[0]!));
  return answerFrom(model, image, mix(from.text[0]!, to.text[0]!), from.decoder[0]!);
}

/** Per layer, the attribution of every place of a site: [layer, token, head], [layer, head, query] or [layer, token]. */
function attributionsOf(
  pair: Pair,
  site: SiteParts,
  towards: SiteParts,
  gradients: SiteGradients,
  { direction = "denoise" }: AttributeOptions,
): tf.Tensor {
  const { base, source } = pair.sides(direction);
  const [before, after] = [fromRun(base), fromRun(source)];
  const layers = gradients[towards.site]!.map((gradient, layer) =>
    tf.tidy(() => {
      if (towards !== site) return changeOfPattern(site, base, source, layer, gradient);
      const change = tf.sub(after(site, layer), before(site, layer));
      return tf.squeeze(tf.sum(tf.mul(change, gradient), -1), [0]);
    }),
  );
  return tf.stack(layers);
}

/** The sum over a cell's places: to first order, patches add up. */
function sumOver(values: ArrayLike<number>, shape: readonly number[], { parts, layer, heads, tokens }: Cell["spot"]) {
  const [, first, second = 1] = shape as [number, number, number?];
  let sum = 0;
  for (const token of tokens)
    for (const head of parts.perHead ? heads : [0]) {
      const [row, column] = parts.isPattern ? [head, token] : [token, head];
      sum += values[(layer * first + row) * second + column]!;
    }
  return sum;
}
