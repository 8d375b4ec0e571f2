import * as tf from "@tensorflow/tfjs-core";
import { randomWeights, seeded } from "../../bench/random-model.js";
import type { Network } from "../../src/model/architecture.js";
import { readConfig } from "../../src/model/architectures.js";
import type { Answers } from "../../src/patching/metrics.js";
import { Pair } from "../../src/patching/pair.js";
import { useBackend } from "../../src/platform/backend.js";

/** A config of BLIP's family, small: its picture is wider than its text. */
export const smallConfig = (className: string) => ({
  model_type: "blip",
  architectures: [className],
  image_text_hidden_size: 5,
  vision_config: {
    hidden_size: 12,
    num_attention_heads: 3,
    intermediate_size: 8,
    num_hidden_layers: 2,
    image_size: 8,
    patch_size: 4,
  },
  text_config: {
    ...{ hidden_size: 8, num_attention_heads: 2, intermediate_size: 10, num_hidden_layers: 3 },
    ...{ vocab_size: 20, max_position_embeddings: 16, bos_token_id: 1, sep_token_id: 2 },
  },
});

/** A model of random weights. */
export async function randomNetwork(config: object, seed: number): Promise<Network> {
  await useBackend("wasm");
  const { architecture, config: read } = readConfig(JSON.stringify(config), "config.json");
  return { architecture, config: read, weights: await randomWeights(architecture.checkpoint, read, seeded(seed)) };
}

/** Two pictures beside one text, or where `corruptIds` are given one picture beside two. */
export async function networkPair(
  model: Network,
  { ids, corruptIds, answers }: { ids: number[]; corruptIds?: number[]; answers: Answers },
): Promise<Pair> {
  const random = seeded(7);
  const { side } = model.architecture.intake.image(model.config);
  const pixels = () =>
    tf.tensor4d(
      Float32Array.from({ length: side * side * 3 }, () => 4 * random() - 2),
      [1, side, side, 3],
    );
  const question = (ids: number[]) => ({ text: "", ids, tokens: ids.map(String), find: () => [[1]] });
  return Pair.of(model, {
    modelName: "random",
    pixels: pixels(),
    question: question(ids),
    answers,
    ...(corruptIds ? { corruptQuestion: question(corruptIds) } : { corruptPixels: pixels() }),
  });
}

export const answersOf = (correct: number, incorrect: number): Answers => ({
  correct: { text: `${correct}`, token: `${correct}`, id: correct },
  incorrect: { text: `${incorrect}`, token: `${incorrect}`, id: incorrect },
});
