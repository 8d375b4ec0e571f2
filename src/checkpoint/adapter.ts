import { NoticeError } from "../base/errors.js";
import { parseJson } from "../base/json.js";
import type { CheckpointFiles } from "../base/source.js";

/** What PEFT writes beside the weights of an adapter. */
export const ADAPTER_CONFIG = "adapter_config.json";

/**
 * @throws NoticeError `checkpoint` where the folder is an adapter's. Also beside whole weights: transformers adds the
 * adapter to them when it loads the folder, so without it the model would be another.
 */
export async function refuseAdapter(files: CheckpointFiles): Promise<void> {
  const json = await files.text(ADAPTER_CONFIG);
  if (json === undefined) return;
  const found = parseJson(json, `${files.name}/${ADAPTER_CONFIG}`) as { base_model_name_or_path?: unknown } | null;
  const base = found?.base_model_name_or_path;
  throw adapterError(files.name, typeof base === "string" ? base : undefined);
}

/** An adapter (LoRA) is not a model; its base and it are. */
export function adapterError(name: string, base?: string): NoticeError {
  return new NoticeError(
    "checkpoint",
    `${name} has an adapter (${ADAPTER_CONFIG}, such as LoRA's), which changes the weights of ${base ?? "its base model"}. ` +
      "Merge the two into a folder of their own, in Python: " +
      `PeftModel.from_pretrained(model, "${name}").merge_and_unload().save_pretrained("FOLDER"), where model is the base.`,
  );
}
