import * as tf from "@tensorflow/tfjs-core";
import { NoticeError } from "../base/errors.js";
import { sum } from "../base/mean.js";
import { type Network, towerOf, towerSize } from "../model/architecture.js";
import type { ArchitectureName } from "../model/architectures.js";
import { type Block, type BlockSite, valueAt } from "../model/blocks/block.js";
import { registerGradients } from "../model/kernels/gradients.js";
import { holdingScales } from "../model/kernels/linear.js";
import { blockOf, towerBlocks } from "../model/pass.js";
import { type Answers, logitDifference } from "./metrics.js";
import type { Run } from "./run.js";
import type { CircuitSite } from "./sites.js";
import { checkRun } from "./sources.js";

/** What each part of a pass writes straight into the logit difference; all of it adds up to `logitDiff`. */
export interface DirectAttribution<A extends ArchitectureName = ArchitectureName> {
  /** logit(correct) - logit(incorrect) of the pass. */
  readonly logitDiff: number;
  /** What the first layer of the tower that is read begins with. */
  readonly embedding: number;
  /** By site, [layer][head]: of the tower that is read, as only its heads write into what is read. */
  readonly heads: { readonly [site in CircuitSite<A>]?: readonly (readonly number[])[] };
  /** [layer] */
  readonly mlp: readonly number[];
  /** What biases add, those of norms among them: 0 in a tower without biases. */
  readonly biases: number;
}

/** What a layer writes into its stream. */
const WRITTEN = ["self.out", "cross.out", "mlp.out"] as const satisfies readonly BlockSite[];

/**
 * Direct logit attribution (Elhage et al. 2021): the logit difference of a run as a sum over the embedding, every head,
 * every MLP and the biases. Effects through later layers are not in it.
 *
 * The sum is exact. The scales of norms count as constants, taken from this pass; where a norm stands after each sum
 * (BERT's towers) a part goes through all norms that come after it. A GELU before the vocabulary (BLIP's) is x times
 * its gate Φ(x), and the gate counts as a constant too.
 *
 * @throws NoticeError `options` for no run, for answers that are none, and for a run whose stream was edited: it is no
 * sum then.
 * @example (await directAttribution(pair.clean, pair.answers)).heads["decoder.cross.z"][1][0]
 */
export async function directAttribution<A extends ArchitectureName>(
  run: Run<A>,
  answers: Answers,
): Promise<DirectAttribution<A>> {
  checkRun("directAttribution", run);
  const { model, activations } = run;
  const { tower } = model.architecture.readout;
  checkStream(run, tower);
  const difference = logitDifference(answers);
  const parts = tf.tidy(() => {
    registerGradients();
    return holdingScales(() => writtenParts(run, tower, (last) => difference(readOf(model, last))));
  });
  const logitDiff = tf.tidy(() => difference(activations.logits));
  const kinds = kindsOf(model, tower);
  const numbers = async (tensors: readonly tf.Tensor[]) =>
    Promise.all(tensors.map(async (one) => [...(await one.data())]));
  try {
    const [[embedding], [total]] = (await numbers([parts.embedding, logitDiff])) as [[number], [number]];
    const mlp = (await numbers(parts.mlp)).flat();
    const heads: Record<string, number[][]> = {};
    for (const kind of kinds) heads[`${tower}.${kind}.z`] = await numbers(parts.heads.map((layer) => layer[kind]!));
    const parted = [embedding, ...mlp, ...Object.values(heads).flat(2)];
    const biases = total - sum(parted);
    return { logitDiff: total, embedding, heads, mlp, biases } as DirectAttribution<A>;
  } finally {
    tf.dispose([parts, logitDiff]);
  }
}

function checkStream({ activations }: Run, tower: string): void {
  const edited = [...(activations.edits?.[tower]?.values() ?? [])].flatMap(Object.keys);
  const resid = edited.find((within) => within.startsWith("resid_"));
  if (resid !== undefined)
    throw new NoticeError(
      "options",
      `This run has an edit of ${tower}.${resid}, so that its stream is no sum of what layers wrote. ` +
        "Edit what a layer writes, such as self.out, or give a run without that edit.",
    );
}

/** The kinds of attention that a tower has. */
const kindsOf = (model: Network, tower: string) =>
  (["self", "cross"] as const).filter((kind) => towerOf(model, tower).sites.includes(`${kind}.z`));

const readOf = (model: Network, last: tf.Tensor) => model.architecture.readout.logits(model, last);

/** `embedding` and, by layer, `mlp` are single numbers; `heads` are [head] by layer and kind of attention. */
type Parts = { embedding: tf.Tensor; mlp: tf.Tensor[]; heads: Record<string, tf.Tensor>[] };

/** From the last layer back: the gradient towards the stream meets what each layer wrote into it. */
function writtenParts({ model, activations }: Run, tower: string, read: (last: tf.Tensor) => tf.Tensor): Parts {
  const stream = activations.streams[tower]!;
  const parts = { mlp: [] as tf.Tensor[], heads: [] as Record<string, tf.Tensor>[] };
  let dy = tf.grad((last: tf.Tensor) => tf.sum(read(last)))(stream.at(-1)!);
  for (let layer = stream.length - 2; layer >= 0; layer--) {
    const block = blockOf(model, activations, tower, layer);
    const sites = WRITTEN.filter((site) => site !== "cross.out" || block.cross);
    const again = towerBlocks(model, tower, activations.contexts[tower]!)[layer]!;
    const output = (x: tf.Tensor, ...written: tf.Tensor[]) => {
      const given = Object.fromEntries(sites.map((site, i) => [site, { values: written[i]! }]));
      return again(x, { given }).stream.resid_post;
    };
    const [towardsX, ...towards] = tf.grads(output)([stream[layer]!, ...sites.map((site) => valueAt(block, site))], dy);
    const slopes = new Map(sites.map((site, i) => [site, towards[i]!] as const));
    parts.mlp.unshift(tf.sum(tf.mul(slopes.get("mlp.out")!, block.mlp.out)));
    parts.heads.unshift(headParts(model, { tower, layer, block }, slopes));
    dy = towardsX!;
  }
  return { ...parts, embedding: tf.sum(tf.mul(dy, stream[0]!)) };
}

/** What each head of a layer wrote, z O, along the slopes towards the attentions' outputs. */
function headParts(
  model: Network,
  { tower, layer, block }: { readonly tower: string; readonly layer: number; readonly block: Block },
  slopes: ReadonlyMap<BlockSite, tf.Tensor>,
): Record<string, tf.Tensor> {
  const { heads } = towerSize(model, tower);
  const found = kindsOf(model, tower).map((kind) => {
    const { output } = towerOf(model, tower).attention(model, layer)[kind]!;
    const { z } = block[kind]!; // [1, token, head, headDim]
    const slope = slopes.get(`${kind}.out`)!;
    const part = tf.tidy(() => {
      const { weight } = output;
      const [all, width] = weight.shape as [number, number];
      const towardsZ = tf.matMul(tf.reshape(slope, [-1, width]), tf.transpose(weight)); // [token, head · headDim]
      const each = tf.mul(towardsZ, tf.reshape(z, [-1, all]));
      return tf.sum(tf.reshape(each, [-1, heads, all / heads]), [0, 2]);
    });
    return [kind, part] as const;
  });
  return Object.fromEntries(found);
}
