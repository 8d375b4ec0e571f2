import * as tf from "@tensorflow/tfjs-core";
import { NoticeError } from "../errors.js";
import { type Activations, type BlipModel, blockOf, type Tower } from "../model/blip.js";
import { valueAt } from "../model/block.js";
import { parseSite, type Site, type SiteParts } from "./sites.js";

/** One pass of one picture and one question: every value of every layer can be read from it. Dispose of it after use. */
export class Run {
  readonly #activations: Activations;
  #disposed = false;

  private constructor(
    /** What passed. */
    readonly model: BlipModel,
    activations: Activations,
  ) {
    this.#activations = activations;
  }

  /** A pass over one picture and one question, kept: everything else that `pass` computes is freed. */
  static of(model: BlipModel, pass: (model: BlipModel) => Activations): Run {
    let run: Run | undefined;
    tf.tidy(() => {
      run = new Run(model, pass(model));
      for (const tensor of run.#tensors()) tf.keep(tensor);
    });
    return run!;
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
  at(site: Site, { layer }: { readonly layer: number }): tf.Tensor {
    const { tower, within } = parseSite(site);
    checkLayer(this.model, tower, layer);
    return tf.tidy(() => tf.squeeze(valueAt(blockOf(this.model, this.activations, tower, layer), within), [0]));
  }

  /** After the decoder's last token, [1, vocabulary]. They belong to the run. */
  get logits(): tf.Tensor2D {
    return this.activations.logits;
  }

  /** Frees its tensors. */
  [Symbol.dispose](): void {
    tf.dispose(this.#tensors());
    this.#disposed = true;
  }

  #tensors(): tf.Tensor[] {
    const { vision, imageKeysValues, text, decoder, logits } = this.#activations;
    return [...vision, ...imageKeysValues.flatMap(({ k, v }) => [k, v]), ...text, ...decoder, logits];
  }
}

/** How many layers and heads a tower has. */
export function towerSize({ config }: BlipModel, tower: Tower): { layers: number; heads: number } {
  const { num_hidden_layers: layers, num_attention_heads: heads } = tower === "vision" ? config.vision : config.text;
  return { layers, heads };
}

/** The shape of a site's value in passes of one batch. */
export function siteShape(model: BlipModel, run: Activations, parts: SiteParts): number[] {
  const { tower, within, perHead, isPattern, tokensOf } = parts;
  const config = tower === "vision" ? model.config.vision : model.config.text;
  const { hidden_size: width, num_attention_heads: heads } = config;
  const count = (tower: Tower) => run[tower][0]!.shape[1] as number;
  const passes = run.logits.shape[0];
  if (isPattern) {
    const attended: Tower = within === "self.pattern" ? tower : tower === "text" ? "vision" : "text";
    return [passes, heads, count(tower), count(attended)];
  }
  if (perHead) return [passes, count(tokensOf), heads, width / heads];
  return [passes, count(tower), within === "mlp.pre" || within === "mlp.post" ? config.intermediate_size : width];
}

/** 0, 1, …: so many. */
export const indexes = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** @throws NoticeError `site` */
export function checkLayer(model: BlipModel, tower: Tower, layer: number): void {
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
