import { copyFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { CheckpointFiles } from "../../src/base/source.js";
import { checkpointFolder } from "../../src/files/folder.js";
import type { LoadOptions } from "../../src/model/load.js";
import { loadBlip } from "../../src/patching/load-model.js";
import type { Blip } from "../../src/patching/model.js";
import { useBackend } from "../../src/platform/backend.js";
import { type CheckpointDraft, floats, temporaryFolder, writeCheckpoint } from "../support/checkpoint.js";
import { FIXTURES, readJson } from "../support/fixture.js";
import { refused } from "../support/refused.js";

const BIAS = "text_decoder.cls.predictions.bias";
const BIAS_TOO = "text_decoder.cls.predictions.decoder.bias";
const QUERY = "text_encoder.encoder.layer.1.crossattention.self.query.weight";
const KEY = "text_encoder.encoder.layer.1.crossattention.self.key.weight";
const EXTRA = "vision_model.encoder.layers.9.mlp.fc1.bias";
const QUESTION = { image: join(FIXTURES, "narrow/clean.png"), question: "Is it red or striped?" };

test.before(async () => {
  await useBackend();
});

/** Asserts that a checkpoint is refused and leaves no tensor behind. */
async function refusedToLoad(model: string | CheckpointFiles, parts: (string | RegExp)[], options: LoadOptions = {}) {
  const before = tf.memory().numTensors;
  const message = await refused(
    () => loadBlip(model, options),
    options.memory === undefined ? "checkpoint" : "memory",
    ...parts,
  );
  assert.is(tf.memory().numTensors, before, "tensors are left behind");
  return message;
}

const refusedDraft = (mutate: (draft: CheckpointDraft) => void, ...parts: (string | RegExp)[]) =>
  refusedToLoad(writeCheckpoint(temporaryFolder(), mutate), parts);

/** The likeliest token's logit: enough to tell two models apart. */
async function firstLogit(blip: Blip): Promise<number> {
  return (await blip.ask(QUESTION, { top: 1 })).top[0]!.logit;
}

async function loadedLogit(folder: string): Promise<number> {
  using blip = await loadBlip(folder);
  return await firstLogit(blip); // before blip is disposed of
}

test("a model that is disposed of leaves no tensor", async () => {
  const before = tf.memory().numTensors;
  {
    using blip = await loadBlip(join(FIXTURES, "narrow"));
    await firstLogit(blip);
  }
  assert.is(tf.memory().numTensors, before);
});

test("missing, extra and misshapen tensors are named, all at once", async () => {
  const folder = /notice-test-\w+ does not hold a BlipForQuestionAnswering/;
  await refusedDraft(({ tensors }) => tensors.delete(QUERY), folder, `1 tensor missing: ${QUERY}.`);
  const extra = { dtype: "F32", shape: [2], bytes: floats(1, 2) };
  await refusedDraft(({ tensors }) => tensors.set(EXTRA, extra), `1 tensor not part of the model: ${EXTRA}.`);
  await refusedDraft(({ tensors }) => {
    tensors.get(QUERY)!.shape = [16, 64];
  }, `1 tensor misshapen: ${QUERY} is [16,64] where config.json asks for [32,32].`);
  await refusedDraft(
    ({ tensors }) => {
      tensors.delete(KEY);
      tensors.delete("vision_model.post_layernorm.weight");
      tensors.set(EXTRA, extra);
      tensors.get(QUERY)!.shape = [1024];
    },
    "2 tensors missing",
    KEY,
    "vision_model.post_layernorm.weight",
    `1 tensor not part of the model: ${EXTRA}.`,
    `1 tensor misshapen: ${QUERY} is [1024]`,
  );
});

test("five names are said, and how many more there are", async () => {
  for (const [count, rest] of [
    [5, ""],
    [6, ", and 1 more"],
  ] as const)
    await refusedDraft(
      ({ tensors }) => {
        const named = [...tensors.keys()].filter((name) => name.startsWith("vision_model.encoder.layers.0."));
        for (const name of named.slice(0, count)) tensors.delete(name);
      },
      new RegExp(`${count} tensors missing: (vision_model\\.[^,]+, ){4}vision_model\\.[^,]+${rest}\\.$`),
    );
});

test("a config of another shape than the weights'", async () => {
  await refusedDraft(({ config }) => {
    config.text_config.num_hidden_layers = 3;
  }, /\d+ tensors missing: text_encoder\.encoder\.layer\.2\..*, and \d+ more\./);
  await refusedDraft(({ config }) => {
    config.vision_config.num_hidden_layers = 2;
  }, /\d+ tensors not part of the model: vision_model\.encoder\.layers\.2\..*, and \d+ more\./);
  await refusedDraft(({ config }) => {
    config.vision_config.patch_size = 16;
  }, "vision_model.embeddings.patch_embedding.weight is [32,3,8,8] where config.json asks for [32,3,16,16]");
});

test("a weight that is not finite, or no float, is named", async () => {
  await refusedDraft(
    ({ tensors }) => {
      const query = tensors.get(QUERY)!;
      new DataView(query.bytes.buffer).setFloat32(4 * 7, Number.NaN, true);
    },
    "model.safetensors",
    `tensor ${QUERY} holds NaN at element 7`,
  );
  await refusedDraft(
    ({ tensors }) => {
      tensors.get(QUERY)!.dtype = "I32";
    },
    `tensor ${QUERY} is stored as I32`,
    "F64, F32, F16 or BF16",
  );
});

test("a damaged file is refused before any tensor of it is made", async () => {
  await refusedDraft(
    (draft) => {
      draft.finish = (file) => file.slice(0, -1);
    },
    "model.safetensors is not a whole safetensors file",
    "download it again",
  );
});

test("position_ids of older checkpoints hold nothing learned", async () => {
  const folder = writeCheckpoint(temporaryFolder(), ({ tensors }) => {
    const shape = [1, 24];
    for (const tower of ["text_encoder", "text_decoder.bert"])
      tensors.set(`${tower}.embeddings.position_ids`, { dtype: "I64", shape, bytes: new Uint8Array(24 * 8) });
  });
  assert.is(await loadedLogit(folder), await loadedLogit(join(FIXTURES, "narrow")));
});

test("the output bias under either name, and under both", async () => {
  const expected = await loadedLogit(join(FIXTURES, "narrow"));
  const stored = (names: string[]) =>
    writeCheckpoint(temporaryFolder(), ({ tensors }) => {
      const bias = (tensors.get(BIAS) ?? tensors.get(BIAS_TOO))!;
      tensors.delete(BIAS);
      tensors.delete(BIAS_TOO);
      for (const name of names) tensors.set(name, bias);
    });
  for (const names of [[BIAS], [BIAS_TOO], [BIAS, BIAS_TOO]]) assert.is(await loadedLogit(stored(names)), expected);
  await refusedToLoad(stored([]), ["1 tensor missing", BIAS]);
});

test("an output bias whose two names disagree", async () => {
  const parts = [BIAS, BIAS_TOO, "differ"];
  for (const bytes of [new Uint8Array(81 * 4), new Uint8Array(4)])
    await refusedDraft(
      ({ tensors }) => {
        tensors.set(BIAS, tensors.get(BIAS) ?? tensors.get(BIAS_TOO)!);
        tensors.set(BIAS_TOO, { dtype: "F32", shape: [bytes.length / 4], bytes });
      },
      ...parts,
    );
});

/** The sharded fixture with another index; `undefined` in it removes a shard. */
function writeShards(change: (weightMap: Record<string, unknown>) => unknown): string {
  const folder = temporaryFolder();
  const from = join(FIXTURES, "wide");
  const files = readdirSync(from).filter(
    (file) => /\.(json|txt)$|^model-/.test(file) && !/^(expected|scores)/.test(file),
  );
  for (const file of files) copyFileSync(join(from, file), join(folder, file));
  const index = readJson<{ weight_map: Record<string, string> }>(join(from, "model.safetensors.index.json"));
  const changed = change(index.weight_map);
  writeFileSync(
    join(folder, "model.safetensors.index.json"),
    typeof changed === "string" ? changed : JSON.stringify(changed ?? index),
  );
  return folder;
}

test("an index that leaves the folder, or names what is not there", async () => {
  for (const shard of [
    "../model-00001-of-00004.safetensors",
    "/etc/passwd",
    "..\\x.safetensors",
    "a/b.safetensors",
    "",
    7,
    null,
  ])
    await refusedToLoad(
      writeShards((map) => {
        map[QUERY] = shard;
      }),
      ["model.safetensors.index.json puts tensor", QUERY, JSON.stringify(shard), "of the same folder"],
    );
  await refusedToLoad(
    writeShards((map) => {
      map[Object.keys(map)[0]!] = "model-00009-of-00004.safetensors";
    }),
    ["index.json names model-00009-of-00004.safetensors, which is not there"],
  );
});

test("an index that its shards contradict", async () => {
  await refusedToLoad(
    writeShards((map) => {
      const [first, second] = [...new Set(Object.values(map))];
      const moved = Object.keys(map).find((name) => map[name] === first)!;
      map[moved] = second;
    }),
    [/holds tensor \S+, which the index puts elsewhere/],
  );
  await refusedToLoad(
    writeShards((map) => {
      map.more = Object.values(map)[0];
    }),
    [/model-0000\d-of-00004.safetensors lacks tensor more, which the index puts there/],
  );
  await refusedToLoad(
    writeShards((map) => {
      delete map[QUERY];
    }),
    [`holds tensor ${QUERY}, which the index puts elsewhere`],
  );
  await refusedToLoad(
    writeShards(() => "{"),
    ["model.safetensors.index.json is not JSON"],
  );
  for (const index of [{}, { weight_map: null }, [], "null"])
    await refusedToLoad(
      writeShards(() => index),
      ["model.safetensors.index.json has no weight_map"],
    );
});

test("a folder with nothing but pytorch_model.bin", async () => {
  const folder = writeCheckpoint(temporaryFolder(), ({ files }) => {
    files["pytorch_model.bin"] = "PK";
    files["model.safetensors"] = undefined;
  });
  await refusedToLoad(folder, [folder, "neither model.safetensors nor", "pytorch_model.bin", "save_pretrained"]);
});

test("a folder without config, tokenizer or processor", async () => {
  for (const file of ["config.json", "preprocessor_config.json"])
    await refusedToLoad(
      writeCheckpoint(temporaryFolder(), ({ files }) => {
        files[file] = undefined;
      }),
      [`has no ${file}`],
    );
  await refusedToLoad(
    writeCheckpoint(temporaryFolder(), ({ files }) => {
      files["tokenizer.json"] = undefined;
      files["vocab.txt"] = undefined;
    }),
    ["neither tokenizer.json nor vocab.txt"],
  );
});

test("a vocabulary that is larger than the model's", async () => {
  const folder = writeCheckpoint(temporaryFolder(), ({ files }) => {
    files["tokenizer.json"] = files["tokenizer_config.json"] = undefined;
    const words = Array.from({ length: 100 }, (_, i) => `w${i}`);
    files["vocab.txt"] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "red", ...words].join("\n");
  });
  using blip = await loadBlip(folder);
  await refused(() => blip.ask({ ...QUESTION, question: "w99" }), "checkpoint", "w99 the id 104", "81 tokens");
  await refused(() => blip.answer("w99"), "checkpoint", "w99 the id 104", "81 tokens");
});

test("fewer positions than an answer may have tokens", async () => {
  const folder = writeCheckpoint(temporaryFolder(), ({ config, tensors }) => {
    config.text_config.max_position_embeddings = 9;
    for (const tower of ["text_encoder", "text_decoder.bert"]) {
      const table = tensors.get(`${tower}.embeddings.position_embeddings.weight`)!;
      table.shape = [9, 32];
      table.bytes = table.bytes.subarray(0, 9 * 32 * 4);
    }
  });
  using blip = await loadBlip(folder);
  const { tokens } = await blip.ask({
    ...QUESTION,
    image: join(FIXTURES, "narrow/corrupt.png"),
    question: "is it green or dotted?",
  });
  assert.is(tokens.length, 9);
});

/** A checkpoint whose weights must not be touched. */
function untouchable(folder: string): CheckpointFiles {
  const files = checkpointFolder(folder);
  return { ...files, bytes: (file) => Promise.reject(new Error(`${file} was opened`)) };
}

test("not enough memory is told before a weight is read, with the numbers", async () => {
  const folder = writeCheckpoint(temporaryFolder(), ({ config }) => {
    Object.assign(config, { text_config: {}, vision_config: { image_size: 32 } });
  });
  const message = await refusedToLoad(untouchable(folder), [folder, "the memory allowed has 1 GB"], {
    memory: 1e9,
    warn() {},
  });
  // ViT-B and twice BERT-base with cross-attention: 0.38 billion floats; a backend may keep a second copy.
  const weights = Number(/takes (\d[\d.]*) GB of weights/.exec(message)![1]);
  assert.ok(weights > 1.4 && weights < 3.2, message);
});

test("a model that is too large for the backend's heap", async () => {
  const folder = writeCheckpoint(temporaryFolder(), ({ config }) => {
    config.text_config = { hidden_size: 2048, num_attention_heads: 16, vocab_size: 300_000 };
    config.vision_config = { hidden_size: 2048, num_attention_heads: 16, image_size: 32, patch_size: 8 };
  });
  // Counted by hand: three tables of 300,000 x 2,048 floats are 7.4 GB.
  const before = await useBackend();
  const message = await refused(
    () => loadBlip(untouchable(folder), { backend: "wasm" }),
    "memory",
    "the wasm backend's heap has 4.29 GB",
  );
  await useBackend(before);
  assert.ok(Number(/takes (\d[\d.]*) GB of weights/.exec(message)![1]) > 7.4);
});

test.run();
