import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { readFloats, readSafetensors, type TensorEntry } from "../../src/checkpoint/safetensors.js";
import { checkpointFolder } from "../../src/files/folder.js";
import { blipVqa } from "../../src/model/blip-vqa.js";
import { embedTokens } from "../../src/model/blocks/bert.js";
import { type LoadedModel, readModel } from "../../src/model/load.js";
import { forward, passFrom } from "../../src/model/pass.js";
import { Pair } from "../../src/patching/pair.js";
import type { Question } from "../../src/patching/positions.js";
import { Run } from "../../src/patching/run.js";
import { useBackend } from "../../src/platform/backend.js";

export const FIXTURES = "test/fixtures";

export type RunName = "clean" | "corruptImage" | "corruptQuestion";

/** What `make_models.py` wrote into `expected.json`. */
interface Expected {
  questions: Record<string, string>;
  ids: Record<string, number[]>;
  tokens: Record<string, string[]>;
  answers: Record<"correct" | "incorrect", { text: string; token: string; id: number }>;
  runs: { clean4: { decoderIds: number[] } };
  generate: { image: string; question: string; ids: number[]; output: number[] }[];
}

/** A checkpoint of test/fixtures with what Hugging Face computes on it. */
export class Fixture {
  private constructor(
    readonly folder: string,
    readonly model: LoadedModel<"blip-vqa">,
    readonly expected: Expected,
    readonly entries: ReadonlyMap<string, TensorEntry>,
  ) {}

  static async load(name: string): Promise<Fixture> {
    await useBackend();
    const folder = join(FIXTURES, name);
    const files = checkpointFolder(folder);
    const model = await readModel(files, {}, ["blip-vqa"]);
    const entries = await readSafetensors((await files.bytes("expected.safetensors"))!);
    return new Fixture(folder, model, readJson(join(folder, "expected.json")), entries);
  }

  /** A tensor that Hugging Face computed. */
  async tensor(name: string): Promise<tf.Tensor> {
    const entry = this.entries.get(name);
    if (!entry) throw new Error(`${this.folder} has no ${name}`);
    return tf.tensor(await readFloats(entry), [...entry.shape]);
  }

  /** [1, height, width, 3] */
  async pixels(image: string): Promise<tf.Tensor> {
    const stored = await this.tensor(`pixel_values/${image}`);
    return tf.expandDims(tf.transpose(stored, [1, 2, 0]), 0);
  }

  /** The picture and the question ids [1, token] of a run. */
  async inputs(run: RunName): Promise<{ pixels: tf.Tensor; ids: tf.Tensor }> {
    const ids = this.expected.ids[run === "corruptQuestion" ? "corrupt" : "clean"]!;
    return {
      pixels: await this.pixels(run === "corruptImage" ? "corrupt" : "clean"),
      ids: tf.tensor2d([ids], undefined, "int32"),
    };
  }

  /** A pass over a run's inputs; the decoder gets [DEC] where nothing is said. */
  async run(name: RunName, decoderIds?: number[]): Promise<Run> {
    const { pixels, ids } = await this.inputs(name);
    const { model } = this;
    return Run.of(model, () => {
      if (!decoderIds) return forward(model, { pixels, ids });
      const begun = tf.tensor2d([decoderIds], undefined, "int32");
      const { config, weights } = model;
      const decoder = embedTokens(weights.decoder, config.text, begun);
      const { towers } = blipVqa;
      return passFrom(model, (tower) =>
        tower === "decoder" ? decoder : towers[tower as "vision" | "text"].embed(model, { pixels, ids }),
      );
    });
  }

  question(name: string): Question {
    const tokens = this.expected.tokens[name]!;
    const find = (word: string) => [[tokens.indexOf(word)]];
    return { text: this.expected.questions[name]!, ids: this.expected.ids[name]!, tokens, find };
  }

  async pair(mode: "image" | "text"): Promise<Pair> {
    return Pair.of(this.model, {
      modelName: this.folder,
      pixels: await this.pixels("clean"),
      question: this.question("clean"),
      answers: this.expected.answers,
      ...(mode === "image"
        ? { corruptPixels: await this.pixels("corrupt") }
        : { corruptQuestion: this.question("corrupt") }),
    });
  }
}

export function readJson<Content>(path: string): Content {
  return JSON.parse(readFileSync(path, "utf8")) as Content;
}

/** The largest |a - b|; broadcasting hides nothing, the shapes must agree. */
export function difference(a: tf.Tensor, b: tf.Tensor): number {
  if (`${a.shape}` !== `${b.shape}`) throw new Error(`shapes [${a.shape}] and [${b.shape}] differ`);
  return tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]!);
}
