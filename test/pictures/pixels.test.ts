import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { NoticeError } from "../../src/base/errors.js";
import { loadImageProcessor, pixelValues } from "../../src/pictures/pixels.js";
import { noise } from "../model/noise.js";
import { refused } from "../support/refused.js";

const { values } = JSON.parse(readFileSync("test/fixtures/pixels/expected.json", "utf8")) as {
  values: { config: object; size: [number, number]; shape: number[]; sum: string; first: number[] }[];
};

const FILE = "preprocessor_config.json";
const parse = (json: string) =>
  loadImageProcessor({
    name: "m",
    text: async (file) => (file === FILE ? json : undefined),
    bytes: async () => undefined,
  });

test("every bit is BlipImageProcessor's", async () => {
  for (const { config, size, shape, sum, first } of values) {
    const processor = await parse(JSON.stringify(config));
    const found = pixelValues(processor, noise(...size));
    const name = JSON.stringify(config);
    assert.equal([processor.size.height, processor.size.width, 3], shape, name);
    assert.equal([...found.subarray(0, 6)], first, name);
    assert.is(createHash("sha256").update(new Uint8Array(found.buffer)).digest("hex"), sum, name);
  }
});

test("what transformers 5 keeps in processor_config.json is the same", async () => {
  const image_processor = { image_processor_type: "BlipImageProcessor", size: { height: 32, width: 32 }, resample: 3 };
  const files = (held: Record<string, object>) => ({
    name: "m",
    text: async (file: string) => (held[file] ? JSON.stringify(held[file]) : undefined),
    bytes: async () => undefined,
  });
  const found = await loadImageProcessor(files({ "processor_config.json": { image_processor } }));
  assert.equal(found, await loadImageProcessor(files({ "preprocessor_config.json": image_processor })));
  assert.is(found.size.height, 32);
  const other = files({ "processor_config.json": { image_processor: { image_processor_type: "CLIPImageProcessor" } } });
  await refused(() => loadImageProcessor(other), "checkpoint", "m/processor_config.json", "BlipImageProcessor");
  await refused(
    () => loadImageProcessor(files({ "processor_config.json": {} })),
    "checkpoint",
    "preprocessor_config.json",
  );
});

test("the hub's config is read, and fields it need not know are ignored", async () => {
  const hub = {
    do_normalize: true,
    do_resize: true,
    image_mean: [0.48145466, 0.4578275, 0.40821073],
    image_processor_type: "BlipImageProcessor",
    image_std: [0.26862954, 0.26130258, 0.27577711],
    processor_class: "BlipProcessor",
    resample: 3,
    size: { height: 384, width: 384 },
    size_divisor: 32,
  };
  assert.equal(await parse(JSON.stringify(hub)), await parse("{}"));
});

const refusals: [config: unknown, message: RegExp][] = [
  [{ resample: 2 }, /resample: expected 3 \(bicubic\).* found 2 \(bilinear\)/],
  [{ resample: "bicubic" }, /resample/],
  [{ size: { shortest_edge: 384 } }, /size: .*shortest_edge/],
  [{ size: 0 }, /size/],
  [{ size: 1e9 }, /size/],
  [{ image_mean: [0.5, 0.5] }, /image_mean: .*3 items/],
  [{ image_std: [0.5, 0, 0.5] }, /image_std/],
  [{ rescale_factor: -1 }, /rescale_factor/],
  [{ do_resize: "yes" }, /do_resize/],
  [{ do_center_crop: true }, /do_center_crop/],
  [{ image_processor_type: "CLIPImageProcessor" }, /image_processor_type/],
  [[], /the file/],
  [null, /the file/],
];
test("a config that is not BLIP's is refused, naming file and field", async () => {
  for (const [config, message] of refusals) {
    const error = (await parse(JSON.stringify(config)).catch((error: unknown) => error)) as NoticeError;
    assert.is(error.code, "checkpoint");
    assert.match(error.message, message);
    assert.match(error.message, /^m\/preprocessor_config.json is not/);
  }
  await refused(() => parse("{"), "checkpoint", "m/preprocessor_config.json is not JSON");
});

test("a checkpoint without one is refused, and a picture that may not be resized", async () => {
  const files = { name: "folder", text: async () => undefined, bytes: async () => undefined };
  const error = await loadImageProcessor(files).catch((error: unknown) => error);
  assert.instance(error, NoticeError);
  assert.match((error as NoticeError).message, "folder has no preprocessor_config.json or processor_config.json");
  const fixed = await parse('{"do_resize": false, "size": 24}');
  assert.throws(() => pixelValues(fixed, noise(24, 23)), /24 x 23 pixels, and the model takes 24 x 24/);
});

test("numbers whose pixels would be NaN or infinite are refused, naming them", async () => {
  for (const [config, part] of [
    ['{"image_mean": 1e39}', "image_mean 1e+39"],
    ['{"image_mean": [0, -1e39, 0]}', "-1e+39"],
    ['{"image_std": 1e-46}', "image_std 1e-46"],
    ['{"image_std": [1, 1, 1e-44]}', "1e-44"],
    ['{"rescale_factor": 1e37}', "rescale_factor 1e+37"],
    ['{"image_mean": 3e38, "image_std": 0.5}', "image_std 0.5"],
    ['{"rescale_factor": 1e999}', "rescale_factor"],
  ] as const)
    await refused(() => parse(config), "checkpoint", FILE, part);
  assert.is((await parse('{"do_normalize": false, "image_mean": 1e39}')).image_mean[0], 1e39);
});

test("three numbers are no two million", async () => {
  const many = (count: number) => `{"image_mean": [${"1,".repeat(count)}1]}`;
  await refused(() => parse(many(2_000_000)), "checkpoint", FILE, "200000 values");
  await refused(() => parse(many(3)), "checkpoint", "image_mean");
});

test.run();
