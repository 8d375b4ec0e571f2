import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "../../../src/base/random.js";
import type { CheckpointFiles } from "../../../src/base/source.js";
import { loadBlip } from "../../../src/patching/load-model.js";
import { bytesSource, fileOf, readStored, safetensorsFile } from "../../support/checkpoint.js";
import { NARROW } from "../../support/samples.js";
import { Found } from "../judge.js";
import type { Kind } from "../kind.js";
import { HOSTILE, joined, mutateBytes, mutatedJson, mutateText, whole } from "../mutate.js";

const JSONS = [
  "config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "preprocessor_config.json",
];
const WEIGHTS = "model.safetensors";
const INDEX = "model.safetensors.index.json";
const IMAGE = { width: 3, height: 2, data: Uint8Array.from({ length: 18 }, (_, i) => 13 * i) };
const QUESTION = "is it red or green?";

type Files = Map<string, Uint8Array>;

/** Config, tokenizer, processor, header, data and index of a small checkpoint. */
export const checkpoints: Kind = {
  name: "checkpoints",
  share: 230,
  open: async () => {
    const sound: Files = new Map(
      [...JSONS, "vocab.txt", WEIGHTS].map((name) => [name, new Uint8Array(readFileSync(join(NARROW, name)))]),
    );
    const sharded = shards(sound);
    return {
      run: async (choose) => {
        const files = new Map(choose.chance(0.2) ? sharded : sound);
        for (let round = choose.chance(0.8) ? 1 : 2; round > 0; round--) mutateFile(choose, files);
        using blip = await loadBlip(inMemory(files), { warn: () => {} });
        if (choose.chance(0.5)) return "taken";
        const { top } = await blip.ask({ image: IMAGE, question: QUESTION });
        for (const { logit, prob } of top)
          if (!(Number.isFinite(logit) && prob >= 0 && prob <= 1))
            throw new Found("wrong", `logit ${logit}, prob ${prob}`);
        return "taken";
      },
    };
  },
};

function inMemory(files: Files): CheckpointFiles {
  const decoder = new TextDecoder();
  return {
    name: "mutated",
    text: async (name) => (files.has(name) ? decoder.decode(files.get(name)) : undefined),
    bytes: async (name) => (files.has(name) ? bytesSource(files.get(name)!, name) : undefined),
  };
}

/** The same checkpoint, its weights in two files. */
function shards(sound: Files): Files {
  const tensors = [...readStored(sound.get(WEIGHTS)!)];
  const half = tensors.length >> 1;
  const parts = [tensors.slice(0, half), tensors.slice(half)];
  const name = (i: number) => `model-0000${i + 1}-of-00002.safetensors`;
  const files = new Map(sound);
  files.delete(WEIGHTS);
  const weight_map = Object.fromEntries(parts.flatMap((part, i) => part.map(([tensor]) => [tensor, name(i)])));
  files.set(INDEX, encoded(JSON.stringify({ metadata: { total_size: 1 }, weight_map })));
  for (const [i, part] of parts.entries()) files.set(name(i), safetensorsFile(part));
  return files;
}

const encoded = (text: string) => new Uint8Array(Buffer.from(text));

function mutateFile(choose: Random, files: Files): void {
  const names = [...files.keys()];
  // Headers and data of weights are two formats. The round before may have taken them away.
  const weights = names.filter((one) => one.endsWith(".safetensors"));
  const name = choose.pick(weights.length > 0 && choose.chance(0.35) ? weights : names);
  const bytes = files.get(name)!;
  if (choose.chance(0.02)) files.delete(name);
  else if (name.endsWith(".safetensors")) files.set(name, mutateWeights(choose, bytes));
  else if (name === "vocab.txt") {
    // Without a tokenizer.json it is what is read.
    files.delete("tokenizer.json");
    files.set(name, mutateVocabulary(choose, bytes));
  } else files.set(name, mutateJsonFile(choose, bytes));
}

function mutateJsonFile(choose: Random, bytes: Uint8Array): Uint8Array {
  if (choose.chance(0.1)) return mutateBytes(choose, bytes);
  // Large but well-formed: it must be refused for its size, or read in time.
  if (choose.chance(0.005)) return encoded(`{"model":{"vocab":{${entries(200_000)}}}}`);
  return mutatedJsonBytes(choose, bytes);
}

/** Of bytes that are no JSON any more, whatever they are. */
function mutatedJsonBytes(choose: Random, bytes: Uint8Array): Uint8Array {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return mutateBytes(choose, bytes);
  }
  return encoded(mutatedJson(choose, value));
}

const entries = (count: number) => Array.from({ length: count }, (_, i) => `"w${i}":${i}`).join(",");

function mutateVocabulary(choose: Random, bytes: Uint8Array): Uint8Array {
  if (choose.chance(0.3)) return mutateBytes(choose, bytes);
  const more = choose.chance(0.005) ? Array.from({ length: 150_000 }, (_, i) => `w${i}`) : [];
  const lines = Buffer.from(bytes).toString().split("\n").concat(more);
  const at = whole(choose, 0, lines.length);
  lines.splice(at, choose.pick([0, 1, 2]), choose.pick([choose.pick(HOSTILE), lines[0]!, "##"]));
  return encoded(lines.join(choose.chance(0.9) ? "\n" : "\r\n"));
}

/** The header with a right length before it, or the values behind it. */
function mutateWeights(choose: Random, file: Uint8Array): Uint8Array {
  const data = 8 + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const [header, values] = [file.subarray(8, data), file.subarray(data)];
  const kind = whole(choose, 0, 10);
  if (kind < 5) return fileOf(mutatedJsonBytes(choose, header), values);
  if (kind === 5) return fileOf(mutateBytes(choose, header), values);
  if (kind === 6) return fileOf(header, values, choose.pick([0n, 1n, 2n ** 31n, 2n ** 63n, BigInt(header.length + 8)]));
  if (kind === 7) return fileOf(header, mutateBytes(choose, values));
  if (kind === 8) return fileOf(mutateText(choose, Buffer.from(header).toString()), values);
  if (values.length < 4) return mutateBytes(choose, file);
  const changed = values.slice();
  const words = new DataView(changed.buffer);
  // NaN, infinities, the largest and the least: signs and exponents of all kinds.
  for (let i = whole(choose, 1, 30); i > 0; i--)
    words.setUint32(
      4 * whole(choose, 0, changed.length >> 2),
      choose.pick([0x7fc00000, 0x7f800000, 0x7f7fffff, 0xff7fffff, 1, 0x7e000000]),
      true,
    );
  return joined(file.subarray(0, data), changed);
}
