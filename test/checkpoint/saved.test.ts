import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { checkpointFolder } from "../../src/files/folder.js";
import { loadBlip } from "../../src/patching/load-model.js";
import { loadTokenizer } from "../../src/words/tokenizer.js";
import { temporaryFolder, writeCheckpoint } from "../support/checkpoint.js";
import { FIXTURES, readJson } from "../support/fixture.js";
import { refused } from "../support/refused.js";

// Folders as versions 4 and 5 of transformers save them, and what that version computes with them (make_saved.py).

const SAVED = join(FIXTURES, "saved");
const IMAGE = join(FIXTURES, "narrow/clean.png");

interface Expected {
  readonly texts: readonly string[];
  readonly ids: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly logits: readonly number[];
}

/** A copy of a saved folder, to be changed. */
function copy(name: string): string {
  const folder = temporaryFolder();
  cpSync(join(SAVED, name), folder, { recursive: true });
  return folder;
}

const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 1000\n`;

for (const version of [4, 5]) {
  const expected = readJson<Expected>(join(SAVED, `expected${version}.json`));

  test(`a folder of version ${version} gives that version's logits`, async () => {
    const warnings: string[] = [];
    using blip = await loadBlip(join(SAVED, `version${version}`), { warn: (message) => warnings.push(message) });
    const { top } = await blip.ask({ image: IMAGE, question: expected.texts[0]! }, { top: expected.logits.length });
    assert.is(top.length, expected.logits.length);
    for (const { id, logit } of top) assert.ok(Math.abs(logit - expected.logits[id]!) < 1e-5, `${id}: ${logit}`);
    assert.equal(warnings, []);
  });

  for (const [name, ids] of Object.entries(expected.ids))
    test(`${name}: every text has that version's ids`, async () => {
      const tokenizer = await loadTokenizer(checkpointFolder(join(SAVED, name)));
      assert.equal(
        expected.texts.map((text) => tokenizer.encode(text).ids),
        ids,
      );
    });
}

test("two processors in one folder must agree", async () => {
  const folder = copy("version5");
  const processor = readJson<{ image_processor: Record<string, unknown> }>(join(folder, "processor_config.json"));
  const write = (changed: object) =>
    writeFileSync(
      join(folder, "preprocessor_config.json"),
      JSON.stringify({ ...processor.image_processor, ...changed }),
    );
  write({});
  (await loadBlip(folder))[Symbol.dispose]();
  write({ image_mean: [0.5, 0.5, 0.5] });
  await refused(
    () => loadBlip(folder),
    "checkpoint",
    "preprocessor_config.json and processor_config.json",
    "different",
  );
});

test("an added token with another id than it would get is refused", async () => {
  const folder = copy("old4");
  writeFileSync(join(folder, "added_tokens.json"), '{"zebra": 40}');
  await refused(() => loadTokenizer(checkpointFolder(folder)), "checkpoint", '"zebra" has the id 40', "and 22");
  writeFileSync(join(folder, "added_tokens.json"), '{"red": 22}');
  await refused(() => loadTokenizer(checkpointFolder(folder)), "checkpoint", '"red" has the id 22', "and 10");
});

test("an added token that counts only as a whole word is refused", async () => {
  const folder = copy("version5");
  const tokenizer = readJson<{ added_tokens: object[] }>(join(folder, "tokenizer.json"));
  tokenizer.added_tokens.push({ id: 24, content: "one", single_word: true });
  writeFileSync(join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
  await refused(() => loadTokenizer(checkpointFolder(folder)), "checkpoint", "single_word", "whole word");
});

test("a Git LFS pointer in the place of a file is called one", async () => {
  for (const file of ["model.safetensors", "config.json", "tokenizer.json", "vocab.txt"]) {
    const folder = copy(file === "vocab.txt" ? "slow5" : "version5");
    writeFileSync(join(folder, file), POINTER);
    const load = () => (file === "vocab.txt" ? loadTokenizer(checkpointFolder(folder)) : loadBlip(folder));
    await refused(load, "checkpoint", join(folder, file), "Git LFS pointer", "git lfs pull");
  }
});

test("an adapter, alone or beside weights, is to be merged", async () => {
  const adapter = JSON.stringify({ peft_type: "LORA", base_model_name_or_path: "Salesforce/blip-vqa-base" });
  const alone = temporaryFolder();
  writeFileSync(join(alone, "adapter_config.json"), adapter);
  writeFileSync(join(alone, "adapter_model.safetensors"), "");
  const beside = copy("version4");
  writeFileSync(join(beside, "adapter_config.json"), adapter);
  for (const folder of [alone, beside])
    await refused(() => loadBlip(folder), "checkpoint", "Salesforce/blip-vqa-base", "merge_and_unload");
  const inside = writeCheckpoint(temporaryFolder(), ({ tensors }) => {
    const name = "text_encoder.encoder.layer.1.attention.self.query";
    tensors.set(`${name}.lora_A.default.weight`, tensors.get(`${name}.weight`)!);
  });
  await refused(() => loadBlip(inside), "checkpoint", "lora_A", "merge_and_unload");
});

const QUESTION = { image: IMAGE, question: "Is it red or striped?" };

async function logitOf(folder: string, warnings: string[] = []): Promise<number> {
  using blip = await loadBlip(folder, { warn: (message) => warnings.push(message) });
  const { top } = await blip.ask(QUESTION, { top: 1 });
  return top[0]!.logit;
}

test("a wrapper's prefix before all names is left out", async () => {
  const expected = await logitOf(join(FIXTURES, "narrow"));
  for (const prefix of ["model.", "module.", "_orig_mod."]) {
    const folder = writeCheckpoint(temporaryFolder(), (draft) => {
      draft.tensors = new Map([...draft.tensors].map(([name, tensor]) => [prefix + name, tensor]));
    });
    assert.is(await logitOf(folder), expected, prefix);
  }
});

test("heads that the model does not have are left out with a warning that names them", async () => {
  const names = ["vision_proj.weight", "itm_head.bias", "text_encoder.pooler.dense.weight"];
  const folder = writeCheckpoint(temporaryFolder(), ({ tensors }) => {
    for (const name of names) tensors.set(name, { dtype: "F32", shape: [2], bytes: new Uint8Array(8) });
  });
  const warnings: string[] = [];
  assert.is(await logitOf(folder, warnings), await logitOf(join(FIXTURES, "narrow")));
  assert.is(warnings.length, 1);
  for (const part of [folder, "3 tensors", ...names]) assert.ok(warnings[0]!.includes(part), warnings[0]);
});

test("a float64 that float32 cannot hold is refused", async () => {
  const folder = copy("version5");
  const file = readFileSync(join(folder, "model.safetensors"));
  file.writeDoubleLE(1e300, file.length - 8);
  writeFileSync(join(folder, "model.safetensors"), file);
  await refused(() => loadBlip(folder), "checkpoint", "holds Infinity", "finite");
});

test.run();
