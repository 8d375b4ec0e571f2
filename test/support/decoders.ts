import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { readFloats, readSafetensors, type TensorEntry } from "../../src/checkpoint/safetensors.js";
import { checkpointFolder } from "../../src/files/folder.js";
import type { LoadOptions } from "../../src/model/load.js";
import { loadModel } from "../../src/patching/load-model.js";
import type { Model } from "../../src/patching/model.js";
import { FIXTURES, readJson } from "./fixture.js";

/** A question of `make_decoders.py`, and what transformers made of it. */
export interface Recorded {
  readonly question: string;
  readonly picture: string;
  readonly prompt: string;
  readonly ids: number[];
  readonly tokens: string[];
  readonly generated: number[];
  readonly text: string;
}

interface Expected {
  readonly questions: Readonly<Record<"clean" | "corruptImage" | "corruptQuestion", Recorded>>;
  readonly answers: Readonly<Record<string, number>>;
  readonly texts: readonly { readonly text: string; readonly ids: number[]; readonly decoded: string }[];
}

export const DECODERS = ["idefics3", "smolvlm", "llava", "llava-grouped"] as const;

/** A checkpoint of `make_decoders.py` with what transformers computes on it. */
export class Decoder {
  private constructor(
    readonly folder: string,
    readonly model: Model,
    readonly expected: Expected,
    readonly entries: ReadonlyMap<string, TensorEntry>,
  ) {}

  static async load(name: string, options: LoadOptions = {}): Promise<Decoder> {
    const folder = join(FIXTURES, name);
    const model = await loadModel(folder, { warn: () => undefined, ...options });
    const entries = await readSafetensors((await checkpointFolder(folder).bytes("expected.safetensors"))!);
    return new Decoder(folder, model, readJson(join(folder, "expected.json")), entries);
  }

  picture(name: string): string {
    return join(this.folder, `${name}.png`);
  }

  async tensor(name: string): Promise<tf.Tensor> {
    const entry = this.entries.get(name)!;
    return tf.tensor(await readFloats(entry), [...entry.shape]);
  }
}
