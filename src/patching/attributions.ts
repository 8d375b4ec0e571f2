import * as tf from "@tensorflow/tfjs-core";
import { type Network, towerOf, towerSize, towersOf } from "../model/architecture.js";
import { valueAt } from "../model/blocks/block.js";
import { type Activations, blockOf, contextOf, mapPass, partsOf, passFrom } from "../model/pass.js";
import type { Steps } from "../model/steps.js";
import { type LayerAt, siteGradients } from "./backward.js";
import { logitDifference } from "./metrics.js";
import type { Direction, Pair } from "./pair.js";
import type { Run } from "./run.js";
import type { SiteParts } from "./sites.js";
import { changeOfPattern, patternOf } from "./softmax.js";

// Attributions of every place of a site, for several passes in one batch: each pass at a mixture of the pair's two, and
// with a layer dropped or none.

/** A pass whose gradients are taken. */
export interface Slope {
  /** How far from the pass that is patched to the one that the values come from: 0 to 1. */
  readonly share: number;
  readonly dropped?: LayerAt;
}

/** Whether both passes have the same values at a site, because they see the same picture. */
export function isShared({ clean, corrupted }: Pair, { tower }: SiteParts): boolean {
  return clean.activations.streams[tower] === corrupted.activations.streams[tower];
}

/** Source value minus base value: for each site and layer, [1, …] in the value's shape. The caller disposes of them. */
export function changes(pair: Pair, sites: readonly SiteParts[], direction: Direction): tf.Tensor[][] {
  const { base, source } = pair.sides(direction);
  const found: tf.Tensor[][] = sites.map(() => []);
  return tf.tidy(() => {
    const both = together(base.activations, source.activations);
    for (const tower of new Set(sites.map((site) => site.tower)))
      for (let layer = 0; layer < towerSize(pair.model, tower).layers; layer++) {
        const here = sites.filter((site) => site.tower === tower);
        const differences = tf.tidy(() => {
          const block = blockOf(pair.model, both, tower, layer);
          return here.map(({ within }) => {
            const value = valueAt(block, within);
            if (value.shape[0] === 1) return tf.zerosLike(value);
            const [before, after] = tf.split(value, 2);
            return tf.sub(after!, before!);
          });
        });
        for (const [i, site] of here.entries()) found[sites.indexOf(site)]!.push(differences[i]!);
      }
    return found;
  });
}

/** Joins two passes into one with two rows. Tensors that both share, such as those of one picture, stay one row. */
function together(one: Activations, other: Activations): Activations {
  const rows = (a: readonly tf.Tensor[], b: readonly tf.Tensor[]) =>
    a === b ? a : a.map((x, i) => tf.concat([x, b[i]!]));
  const towers = Object.keys(one.streams);
  const byTower = <Item>(of: (tower: string) => readonly Item[]) =>
    Object.fromEntries(towers.map((tower) => [tower, of(tower)]));
  return {
    streams: byTower((tower) => rows(one.streams[tower]!, other.streams[tower]!)),
    contexts: byTower((tower) => {
      const [mine, others] = [one.contexts[tower]!, other.contexts[tower]!];
      if (mine === others) return mine;
      return mine.map((context, layer) => contextOf(rows(partsOf(context), partsOf(others[layer]!))));
    }),
    logits: tf.concat([one.logits, other.logits]),
  };
}

interface AttributionOptions {
  readonly direction: Direction;
  /** For queries and keys, through the softmax that each changed one gives. */
  readonly qkFix: boolean;
}

/** What the attributions of one site follow from. */
export interface Attributed {
  readonly site: SiteParts;
  /** As `changes` has them; not needed where the softmax is computed anew. */
  readonly changes: readonly tf.Tensor[];
}

/**
 * Of each site [layer, pass, token, head], [layer, pass, head, query] or [layer, pass, token]. In steps.
 */
export function* attributions(
  pair: Pair,
  slopes: readonly Slope[],
  wanted: readonly Attributed[],
  { direction, qkFix }: AttributionOptions,
): Steps<tf.Tensor[]> {
  const { model } = pair;
  const { base, source } = pair.sides(direction);
  const seen = wanted.some(({ site }) => towerOf(model, site.tower).tokens === "image");
  const passes = slopes.some(({ share }) => share > 0)
    ? yield* passesBetween(model, base, source, slopes)
    : repeated(model, base.activations, { times: slopes.length, image: seen });
  const found = yield* siteGradients(
    model,
    passes,
    logitDifference(pair.answers),
    wanted.map(({ site, changes }) => {
      const pattern = qkFix ? patternOf(model, site) : undefined;
      return pattern
        ? { site: pattern, use: (gradient, layer) => changeOfPattern(site, base, source, layer, gradient) }
        : { site, use: (gradient, layer) => tf.sum(tf.mul(changes[layer]!, gradient), -1) };
    }),
    slopes.map(({ dropped }) => dropped),
  );
  return found.map((layers) => tf.stack(layers));
}

/** One pass a slope: its embedded picture and question lie between those of two others. */
function passesBetween(model: Network, from: Run, to: Run, slopes: readonly Slope[]): Steps<Activations> {
  const [base, source] = [from.activations.streams, to.activations.streams];
  const share = tf.tensor3d(
    slopes.map(({ share }) => share),
    [slopes.length, 1, 1],
  );
  const mix = (a: tf.Tensor, b: tf.Tensor) => tf.add(tf.mul(a, tf.sub(1, share)), tf.mul(b, share));
  const begin = (tower: string) => {
    if (base[tower] === source[tower]) return undefined;
    const [start, end] = [base[tower]![0]!, source[tower]![0]!];
    return towerOf(model, tower).tokens === "answer" ? tf.tile(start, [slopes.length, 1, 1]) : mix(start, end);
  };
  return passFrom(model, begin, from.activations);
}

/** Repeats a pass as rows of a batch. If no gradient goes into the image, all rows share one. */
function repeated(
  model: Network,
  pass: Activations,
  { times, image }: { readonly times: number; readonly image: boolean },
): Activations {
  if (times === 1) return pass;
  const shared = new Set<tf.Tensor>(image ? [] : seenTensors(model, pass));
  const rows = (x: tf.Tensor) => tf.tile(x, [times, ...x.shape.slice(1).map(() => 1)]);
  return mapPass(pass, (x) => (shared.has(x) ? x : rows(x)));
}

/** What a pass knows of its picture: the streams that see it, and what others attend to of them. */
function seenTensors(model: Network, { streams, contexts }: Activations): tf.Tensor[] {
  const sees = (name: string) => towerOf(model, name).tokens === "image";
  return towersOf(model).flatMap(([name, { attends }]) => [
    ...(sees(name) ? streams[name]! : []),
    ...(attends && sees(attends.tower) ? contexts[name]!.flatMap(partsOf) : []),
  ]);
}
