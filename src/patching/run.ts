import * as tf from "@tensorflow/tfjs-core";
import { NoticeError } from "../base/errors.js";
import { INSPECT } from "../base/inspect.js";
import { checkShape } from "../base/options.js";
import { type Network, towerOf, towerSize } from "../model/architecture.js";
import type { ArchitectureName } from "../model/architectures.js";
import { valueAt } from "../model/blocks/block.js";
import { type Activations, blockOf, tensorsOf } from "../model/pass.js";
import { inTurns, type Steps } from "../model/steps.js";
import { runFacts } from "./facts.js";
import { parseSite, type Site, type SiteParts, sitesOf } from "./sites.js";

/** One pass of one picture and one text: every value of every layer can be read from it. Dispose of it after use. */
export class Run<A extends ArchitectureName = ArchitectureName> {
  readonly #activations: Activations;
  readonly #cached = new Map<string, tf.Tensor>();
  #disposed = false;

  private constructor(
    /** What passed. */
    readonly model: Network,
    activations: Activations,
  ) {
    this.#activations = activations;
  }

  /** A pass over one picture and one text, kept: everything else that `pass` computes is freed. */
  static async of(model: Network, pass: () => Steps<Activations>): Promise<Run> {
    return new Run(model, await inTurns(pass, tensorsOf));
  }

  /**
   * The streams from which all other values follow, batch 1. They belong to the run.
   *
   * @throws NoticeError `disposed`
   */
  get activations(): Activations {
    if (this.#disposed)
      throw new NoticeError("disposed", "This run was disposed of; read its values inside the block of its `using`.");
    return this.#activations;
  }

  /**
   * The value at a site of a layer, without the batch: `text.cross.z` is [token, head, headDim]. It is computed from
   * the layer's input; the caller disposes of it.
   *
   * @throws NoticeError `site` for a site or layer that is not there.
   */
  at(site: Site<A>, place: { readonly layer: number }): tf.Tensor {
    checkShape("run.at", place, { such: "{ layer: 0 }", keys: ["layer"] });
    const { layer } = place;
    const { tower, within } = parseSite(this.model, site);
    checkLayer(this.model, tower, layer);
    return tf.tidy(() => tf.squeeze(valueAt(blockOf(this.model, this.activations, tower, layer), within), [0]));
  }

  /**
   * Values of all sites and layers, or of those chosen, each as `at` gives it, by a name such as `text.cross.z:L0`.
   * They belong to the run, and are computed once.
   *
   * @param filter sites, or a function that says of a site and a layer whether it is wanted. Default: all.
   * @throws NoticeError `site` for a site that is not there, `options`
   */
  cache(
    filter: readonly Site<A>[] | ((site: Site<A>, layer: number) => boolean) = () => true,
  ): ReadonlyMap<string, tf.Tensor> {
    const { model, activations } = this;
    if (typeof filter !== "function" && !Array.isArray(filter))
      throw new NoticeError(
        "options",
        'cache takes a list of sites, such as ["text.cross.z"], or a function of site and layer.',
      );
    const sites =
      typeof filter === "function" ? sitesOf(model.architecture) : filter.map((site) => parseSite(model, site).site);
    const found = new Map<string, tf.Tensor>();
    for (const site of sites)
      for (const layer of indexes(towerSize(model, parseSite(model, site).tower).layers)) {
        if (typeof filter === "function" && !filter(site as Site<A>, layer)) continue;
        const name = `${site}:L${layer}`;
        const { tower, within } = parseSite(model, site);
        const read = () =>
          tf.keep(tf.tidy(() => tf.squeeze(valueAt(blockOf(model, activations, tower, layer), within), [0])));
        if (!this.#cached.has(name)) this.#cached.set(name, read());
        found.set(name, this.#cached.get(name)!);
      }
    return found;
  }

  /** What the model answers, [1, choice]: over the vocabulary, or over classes. They belong to the run. */
  get logits(): tf.Tensor2D {
    return this.activations.logits;
  }

  /** For `console.log`: how many tokens passed. */
  [INSPECT](): string {
    return this.#disposed ? "Run, disposed of" : runFacts(this);
  }

  /** Frees its tensors. */
  [Symbol.dispose](): void {
    tf.dispose([...tensorsOf(this.#activations), ...this.#cached.values()]);
    this.#disposed = true;
  }
}

/** How many positions a tower has in a pass. */
export const countOf = ({ streams }: Pick<Activations, "streams">, tower: string): number =>
  streams[tower]![0]!.shape[1]!;

/** How many heads a site's value has: of keys and values there may be fewer than of queries. */
export function headCount(model: Network, { tower, within }: Pick<SiteParts, "tower" | "within">): number {
  const { heads, keyValueHeads = heads } = towerSize(model, tower);
  return within === "self.k" || within === "self.v" ? keyValueHeads : heads;
}

/** How many keys a query meets in a tower: those of its tile, where the picture is cut into several. */
export function keyCount(model: Network, run: Activations, tower: string): number {
  const { tokens, names } = towerOf(model, tower);
  return tokens === "image" ? names(model.config).length : countOf(run, tower);
}

/** The shape of a site's value in passes of one batch. */
export function siteShape(model: Network, run: Activations, parts: SiteParts): number[] {
  const { tower, within, perHead, isPattern, tokensOf } = parts;
  const { heads, width, headDim = width / heads, mlpWidth } = towerSize(model, tower);
  const passes = run.logits.shape[0];
  if (isPattern) {
    const attended = within === "self.pattern" ? tower : towerOf(model, tower).attends!.tower;
    return [passes, heads, countOf(run, tower), keyCount(model, run, attended)];
  }
  if (perHead) return [passes, countOf(run, tokensOf), headCount(model, parts), headDim];
  return [passes, countOf(run, tower), within === "mlp.pre" || within === "mlp.post" ? mlpWidth : width];
}

/** The first `count` whole numbers from 0. */
export const indexes = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** @throws NoticeError `site` */
export function checkLayer(model: Network, tower: string, layer: number): void {
  checkIndex("layer", layer, towerSize(model, tower).layers, `the ${tower} tower`);
}

/** @throws NoticeError `site` */
export function checkIndex(what: string, index: number, count: number, where: string): void {
  if (!Number.isInteger(index) || index < 0 || index >= count)
    throw new NoticeError(
      "site",
      `There is no ${what} ${typeof index === "number" ? index : JSON.stringify(index)} in ${where}: it has ${count}, 0 to ${count - 1}.`,
    );
}
