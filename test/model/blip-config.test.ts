import { test } from "uvu";
import * as assert from "uvu/assert";
import { shown } from "../../src/base/json.js";
import { blipVqa } from "../../src/model/blip-vqa.js";
import { refused } from "../support/refused.js";

const silent = () => {};

function parse(config: unknown, warn: (message: string) => void = silent) {
  return blipVqa.checkpoint.config(
    typeof config === "string" ? config : JSON.stringify(config),
    "folder/config.json",
    warn,
  );
}

const blip = (text_config: object = {}, vision_config: object = {}) => ({
  model_type: "blip",
  text_config: { num_attention_heads: 12, ...text_config },
  vision_config,
});

// transformers 4.46.3, BlipVisionConfig() and BlipTextConfig().
const VISION = {
  hidden_size: 768,
  intermediate_size: 3072,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  hidden_act: "gelu",
  layer_norm_eps: 1e-5,
  image_size: 384,
  patch_size: 16,
};
const TEXT = {
  hidden_size: 768,
  intermediate_size: 3072,
  num_hidden_layers: 12,
  num_attention_heads: 8,
  hidden_act: "gelu",
  layer_norm_eps: 1e-12,
  vocab_size: 30_524,
  max_position_embeddings: 512,
  bos_token_id: 30_522,
  sep_token_id: 102,
  pad_token_id: 0,
};

test("a checkpoint's note on its heads comes along", async () => {
  assert.is(parse({ ...blip(), vlm_notice_note: "engineered" }).note, "engineered");
  assert.not("note" in parse(blip()));
  await refused(() => parse({ ...blip(), vlm_notice_note: "x".repeat(501) }), "checkpoint", "vlm_notice_note");
});

test("omitted fields are those of transformers", () => {
  const { vision, text } = parse(blip());
  assert.equal(vision, VISION);
  assert.equal(text, { ...TEXT, num_attention_heads: 12 });
  // Where the width is not the hub's, 8 heads are what is meant.
  const wide = parse({
    model_type: "blip",
    text_config: { hidden_size: 1024 },
    vision_config: { hidden_size: 1024, num_attention_heads: 16 },
  });
  assert.is(wide.text.num_attention_heads, 8);
});

test("an empty, null or absent tower is the default one", () => {
  for (const config of [
    { model_type: "blip" },
    { model_type: "blip", text_config: {}, vision_config: {} },
    { model_type: "blip", text_config: null, vision_config: null },
  ]) {
    const warnings: string[] = [];
    const { vision, text } = parse(config, (warning) => warnings.push(warning));
    assert.equal(vision, VISION);
    assert.equal(text, { ...TEXT, num_attention_heads: 12 });
    assert.is(warnings.length, 1);
  }
});

test("fields that no BLIP for question answering reads are of no account", () => {
  const { text } = parse({
    ...blip({ projection_dim: "?", eos_token_id: -1, torch_dtype: "float16" }),
    image_text_hidden_size: null,
  });
  assert.equal(text, { ...TEXT, num_attention_heads: 12 });
});

test("8 heads of a 768-wide text tower become 12, with a warning", () => {
  const warnings: string[] = [];
  assert.is(parse(blip({ num_attention_heads: 8 }), (warning) => warnings.push(warning)).text.num_attention_heads, 12);
  assert.is(warnings.length, 1);
  for (const part of ["folder/config.json", "text_config", "8", "12", "transformers#22625"])
    assert.ok(warnings[0]!.includes(part));
  const warn = (warning: string) => assert.unreachable(warning);
  assert.is(parse(blip({ num_attention_heads: 6 }), warn).text.num_attention_heads, 6);
  const narrow = blip({ hidden_size: 64, num_attention_heads: 8 }, { hidden_size: 64, num_attention_heads: 8 });
  assert.is(parse(narrow, warn).text.num_attention_heads, 8);
});

test("heads that do not divide the width", async () => {
  await refused(
    () => parse(blip({ num_attention_heads: 7 })),
    "checkpoint",
    "folder/config.json: text_config.num_attention_heads is 7",
    "hidden_size 768",
  );
  await refused(
    () => parse(blip({}, { num_attention_heads: 5 })),
    "checkpoint",
    "vision_config.num_attention_heads is 5",
    "hidden_size 768",
  );
});

test("patches that do not divide the picture", async () => {
  await refused(
    () => parse(blip({}, { patch_size: 17 })),
    "checkpoint",
    "vision_config.patch_size is 17",
    "image_size 384",
  );
});

test("towers of different widths", async () => {
  await refused(
    () => parse(blip({}, { hidden_size: 1024, num_attention_heads: 16 })),
    "checkpoint",
    "vision_config.hidden_size is 1024 and text_config.hidden_size 768",
  );
});

test("another model, another activation", async () => {
  await refused(
    () => parse({ model_type: "blip-2" }),
    "checkpoint",
    "folder/config.json is not",
    "model_type",
    '"blip"',
    'found "blip-2"',
  );
  await refused(() => parse({}), "checkpoint", "model_type", "found nothing");
  await refused(
    () => parse(blip({ hidden_act: "relu" })),
    "checkpoint",
    "text_config.hidden_act",
    '"gelu"',
    'found "relu"',
  );
  await refused(
    () => parse(blip({}, { hidden_act: "quick_gelu" })),
    "checkpoint",
    "vision_config.hidden_act",
    "quick_gelu",
  );
});

test("absurd values are named, all of them at once", async () => {
  for (const field of ["hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"])
    for (const value of [0, -1, 1.5, 1e9, 1e300, "12", null, [12], true, {}]) {
      await refused(
        () => parse(blip({ [field]: value })),
        "checkpoint",
        `text_config.${field}: `,
        `found ${JSON.stringify(value)}`,
      );
      await refused(() => parse(blip({}, { [field]: value })), "checkpoint", `vision_config.${field}: `);
    }
  for (const field of ["image_size", "patch_size"])
    await refused(() => parse(blip({}, { [field]: 1e6 })), "checkpoint", `vision_config.${field}: `, "found 1000000");
  for (const field of ["vocab_size", "max_position_embeddings"])
    await refused(() => parse(blip({ [field]: 1e9 })), "checkpoint", `text_config.${field}: `, "found 1000000000");
  for (const layer_norm_eps of [0, -1e-5, 1e300, "1e-5"])
    await refused(() => parse(blip({ layer_norm_eps })), "checkpoint", "text_config.layer_norm_eps: ");
  await refused(
    () => parse(blip({ hidden_size: 0, vocab_size: "many" }, { patch_size: -16 })),
    "checkpoint",
    "text_config.hidden_size",
    "text_config.vocab_size",
    "vision_config.patch_size",
  );
});

test("tokens outside the vocabulary", async () => {
  for (const field of ["bos_token_id", "sep_token_id", "pad_token_id"]) {
    await refused(
      () => parse(blip({ [field]: 30_524 })),
      "checkpoint",
      `text_config.${field} is 30524`,
      "30524 tokens",
    );
    await refused(() => parse(blip({ [field]: -1 })), "checkpoint", `text_config.${field}: `, "found -1");
  }
});

test("a file that is no JSON object", async () => {
  for (const text of ["", "{", "nonsense", "{'model_type': 'blip'}", "[".repeat(100_000)])
    await refused(() => parse(text), "checkpoint", "folder/config.json is not JSON");
  for (const value of [[], null, 1, "blip"])
    await refused(
      () => parse(JSON.stringify(value)),
      "checkpoint",
      "folder/config.json is not the config",
      "the file: ",
      JSON.stringify(value),
    );
  await refused(() => parse({ ...blip(), text_config: [] }), "checkpoint", "text_config: ", "found []");
  const deep = `{"model_type": ${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
  await refused(() => parse(deep), "checkpoint", "model_type", "nested too deeply");
});

test("numbers that float32 cannot hold, or holds as 0, are none", async () => {
  for (const eps of [1e-39, 1e-300, 0, "1e999"]) {
    const text = (json: object) => JSON.stringify(json).replace('"1e999"', "1e999");
    await refused(() => parse(text(blip({ layer_norm_eps: eps }))), "checkpoint", "text_config.layer_norm_eps");
    await refused(() => parse(text(blip({}, { layer_norm_eps: eps }))), "checkpoint", "vision_config.layer_norm_eps");
  }
  assert.is(parse(blip({ layer_norm_eps: 1e-37 })).text.layer_norm_eps, 1e-37);
});

test("a config of more values than any has is not parsed", async () => {
  const labels = Object.fromEntries(Array.from({ length: 21_000 }, (_, i) => [i, `class ${i}`]));
  assert.ok(parse({ ...blip(), id2label: labels, label2id: labels }));
  await refused(() => parse(`[${"{},".repeat(300_000)}{}]`), "checkpoint", "folder/config.json", "200000 values");
});

test("what somebody wrote is shown whole up to 80 characters", () => {
  assert.is(shown("x".repeat(78)), `"${"x".repeat(78)}"`);
  assert.is(shown("x".repeat(79)), `"${"x".repeat(79)}…`);
  assert.is(shown(undefined), "nothing");
  assert.is(shown({ a: [1, null] }), '{"a":[1,null]}');
});

test("each size up to its bound, and none beyond", async () => {
  const bounds = {
    hidden_size: 16_384,
    intermediate_size: 65_536,
    num_hidden_layers: 256,
    num_attention_heads: 1024,
    image_size: 4096,
    patch_size: 512,
    vocab_size: 1_000_000,
    max_position_embeddings: 65_536,
  };
  const wide = { hidden_size: 16_384, num_attention_heads: 1 };
  for (const [field, most] of Object.entries(bounds)) {
    const whole = (value: number) => {
      const image = field === "image_size" || field === "patch_size";
      const sizes = field === "patch_size" ? { image_size: 4096 } : {};
      const change = {
        ...wide,
        ...(field === "num_attention_heads" ? { hidden_size: 8 * value } : {}),
        [field]: value,
      };
      return image
        ? blip(wide, { ...wide, ...sizes, [field]: value })
        : blip(change, { ...wide, hidden_size: change.hidden_size });
    };
    parse(whole(most));
    for (const wrong of [0, most + 1]) await refused(() => parse(whole(wrong)), "checkpoint", field);
  }
  // The tower that sees has bounds of its own.
  const seeing = (vision: object) =>
    parse(blip({ ...wide, ...vision, num_attention_heads: 1 }, { ...wide, ...vision }));
  for (const [field, most] of Object.entries(bounds).slice(0, 4)) {
    const vision = (value: number) => ({
      ...(field === "num_attention_heads" ? { hidden_size: 8 * value } : {}),
      [field]: value,
    });
    seeing(vision(most));
    await refused(() => seeing(vision(most + 1)), "checkpoint", `vision_config.${field}`);
  }
});

test.run();
