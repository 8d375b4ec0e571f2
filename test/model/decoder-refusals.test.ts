import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readConfig } from "../../src/model/architectures.js";
import { modelBytes, requireMemory } from "../../src/model/memory.js";
import { loadModel } from "../../src/patching/load-model.js";
import { type CheckpointDraft, temporaryFolder, writeCheckpoint } from "../support/checkpoint.js";
import { noticeHere } from "../support/command.js";
import { FIXTURES } from "../support/fixture.js";
import { LLAVA_7B } from "../support/hub-shapes.js";
import { refused } from "../support/refused.js";
import { CLEAN_IMAGE } from "../support/samples.js";

// What is wrong with a folder of a decoder-only model is said before any of its weights is read.

const quiet = { warn() {} };

/** A copy of a fixture with changes. */
function changed(from: string, mutate: (draft: CheckpointDraft) => void): string {
  const beside = ["processor_config.json", "generation_config.json", "chat_template.jinja", "chat_template.json"];
  return writeCheckpoint(
    temporaryFolder(),
    (draft) => {
      for (const file of beside) {
        const found = text(`${FIXTURES}/${from}/${file}`);
        if (found !== undefined) draft.files[file] = found;
      }
      mutate(draft);
    },
    from,
  );
}

function text(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/** By the library and by the command, which ends with 2. */
async function refusedFolder(from: string, mutate: (draft: CheckpointDraft) => void, ...words: string[]) {
  const folder = changed(from, mutate);
  await refused(() => loadModel(folder, quiet), "checkpoint", ...words);
  await refusedCommand(folder, ...words);
}

async function refusedCommand(folder: string, ...words: string[]): Promise<void> {
  const asked = ["--image", CLEAN_IMAGE, "--question", "red?", "--backend", "wasm"];
  const { code, stdout, stderr } = await noticeHere("ask", folder, ...asked);
  assert.equal([code, stdout], [2, ""], stderr);
  assert.match(stderr, /^(notice: \P{C}+\n)+$/u, stderr); // no stack
  for (const word of words) assert.ok(stderr.includes(word), stderr);
}

test("tensors that are missing, extra or misshapen are named", async () => {
  const key = "model.text_model.layers.1.self_attn.k_proj.weight";
  const extra = { dtype: "F32", shape: [1], bytes: new Uint8Array(4) };
  await refusedFolder("smolvlm", ({ tensors }) => tensors.delete(key), `1 tensor missing: ${key}`);
  await refusedFolder(
    "smolvlm",
    ({ tensors }) => tensors.set("model.text_model.more", extra),
    "not part of the model: model.text_model.more",
  );
  await refusedFolder(
    "smolvlm",
    ({ tensors }) => {
      const stored = tensors.get(key)!;
      tensors.set(key, { ...stored, shape: [16, 32], bytes: stored.bytes.subarray(0, stored.bytes.length / 2) });
    },
    `1 tensor misshapen: ${key} is [16,32] where config.json asks for [32,32]`,
  );
});

test("a template that loops is refused when the folder is opened", async () => {
  const loop =
    "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}x{% endfor %}{% endfor %}{% endfor %}<image>";
  await refusedFolder(
    "smolvlm",
    ({ files }) => {
      files["chat_template.jinja"] = loop;
    },
    "the chat template cannot be used",
  );
});

test("a processor that makes another number of image tokens than the towers", async () => {
  // Of a picture of 16 x 16 patches of 4: 16 tokens without [class]; num_additional_image_tokens 0 takes one off.
  const change = ({ files }: CheckpointDraft) => {
    const processor = JSON.parse(files["processor_config.json"] as string);
    files["processor_config.json"] = JSON.stringify({ ...processor, num_additional_image_tokens: 0 });
  };
  await refusedFolder(
    "llava",
    change,
    "makes 15 image tokens of a picture, and its towers 16",
    "num_additional_image_tokens",
  );
  const longer = ({ files }: CheckpointDraft) => {
    const processor = JSON.parse(files["processor_config.json"] as string);
    files["processor_config.json"] = JSON.stringify({ ...processor, image_seq_len: 5 });
  };
  await refusedFolder("smolvlm", longer, "makes 5 image tokens of a picture, and its towers 4");
});

test("a model of 7 billion weights on a laptop, before any of them is read", async () => {
  // Counted by hand: 32 x (4 x 4096² + 3 x 4096 x 11,008) + 2 x 32,064 x 4096 + CLIP's 0.3 are 7.04 billion floats.
  const llava = readConfig(JSON.stringify(LLAVA_7B), "config.json", () => {});
  const { weights } = modelBytes(llava, "node");
  assert.ok(Math.abs(weights / 4 - 7.04e9) < 0.03e9, `${weights / 4}`);
  // `loadModel` asks this before it opens a file of weights (test/checkpoint/weights.test.ts).
  await refused(
    () => requireMemory(llava, "llava", "node", [["the machine", 16e9]]),
    "memory",
    "takes 28.2 GB of weights",
    "the machine has 16 GB",
    "a smaller model",
  );
  const folder = changed("llava", ({ files }) => {
    files["config.json"] = JSON.stringify({ ...LLAVA_7B, image_token_index: 360 });
    const larger = (name: string, change: object) => {
      files[name] = JSON.stringify({ ...JSON.parse(text(`${FIXTURES}/llava/${name}`)!), ...change });
    };
    larger("processor_config.json", { patch_size: 14 });
    larger("preprocessor_config.json", { size: { shortest_edge: 336 }, crop_size: { height: 336, width: 336 } });
  });
  await refusedCommand(folder, "GB of weights", "the wasm backend's heap has 4.29 GB");
});

test.run();
