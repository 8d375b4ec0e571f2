import { NoticeError } from "../base/errors.js";
import { parseJson, shown } from "../base/json.js";
import type { CheckpointFiles } from "../base/source.js";
import { readSafetensors, type TensorEntry } from "./safetensors.js";

const WHOLE = "model.safetensors";
const INDEX = "model.safetensors.index.json";
const SHARD = /^[\w.-]+\.safetensors$/;

/**
 * The tensors of `model.safetensors`, or of the shards that `model.safetensors.index.json` names.
 *
 * @throws NoticeError `checkpoint` where neither is there, a shard is missing or leaves the folder, or index and shards
 * disagree.
 */
export async function readTensors(files: CheckpointFiles): Promise<Map<string, TensorEntry>> {
  const whole = await files.bytes(WHOLE);
  if (whole) return readSafetensors(whole);
  const index = await files.text(INDEX);
  if (index === undefined)
    throw new NoticeError(
      "checkpoint",
      `${files.name} has neither ${WHOLE} nor ${INDEX}. Weights in another format (pytorch_model.bin) must be saved as ` +
        "safetensors first: model.save_pretrained(folder) in transformers does it.",
    );
  return readShards(files, shardsOf(index, files.name));
}

/** Tensor name -> shard. */
function shardsOf(index: string, checkpoint: string): Map<string, string> {
  const bad = (what: string) => new NoticeError("checkpoint", `${checkpoint}/${INDEX} ${what}.`);
  const map = (parseJson(index, `${checkpoint}/${INDEX}`) as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== "object" || map === null) throw bad("has no weight_map from tensor names to files");
  const shards = new Map<string, string>();
  for (const [tensor, shard] of Object.entries(map)) {
    if (typeof shard !== "string" || !SHARD.test(shard))
      throw bad(`puts tensor ${tensor} into ${shown(shard)}; a .safetensors file of the same folder was expected`);
    shards.set(tensor, shard);
  }
  return shards;
}

async function readShards(files: CheckpointFiles, shards: Map<string, string>): Promise<Map<string, TensorEntry>> {
  const entries = new Map<string, TensorEntry>();
  for (const shard of new Set(shards.values())) {
    const source = await files.bytes(shard);
    if (!source) throw new NoticeError("checkpoint", `${files.name}/${INDEX} names ${shard}, which is not there.`);
    for (const [name, entry] of await readSafetensors(source)) {
      if (shards.get(name) !== shard)
        throw new NoticeError(
          "checkpoint",
          `${files.name}: ${shard} holds tensor ${name}, which the index puts elsewhere.`,
        );
      entries.set(name, entry);
    }
  }
  const missing = [...shards.keys()].find((name) => !entries.has(name));
  if (missing !== undefined)
    throw new NoticeError(
      "checkpoint",
      `${files.name}: ${shards.get(missing)} lacks tensor ${missing}, which the index puts there.`,
    );
  return entries;
}
