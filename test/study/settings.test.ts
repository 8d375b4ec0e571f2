import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { NoticeError } from "../../src/base/errors.js";
import { random } from "../../src/base/random.js";
import { ARCHITECTURES } from "../../src/model/architectures.js";
import {
  checkSettings,
  completeSettings,
  readSettings,
  reread,
  settingsHash,
  settle,
} from "../../src/study/settings.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { refused } from "../support/refused.js";

function file(name: string, content: string): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, content);
  return path;
}

test("TOML and JSON say the same, and only what they say is given", async () => {
  const toml = file("study.toml", 'dataset = ["faces", "own.csv"]\nn = 12\nsigma = 0.5\ndirection = "noise"\n');
  const json = file("study.json", '{"dataset": ["faces", "own.csv"], "n": 12, "sigma": 0.5, "direction": "noise"}');
  const given = { dataset: ["faces", "own.csv"], n: 12, sigma: 0.5, direction: "noise" };
  assert.equal(await readSettings(toml), given);
  assert.equal(await readSettings(json), given);
  const whole = completeSettings({ n: 12 });
  assert.equal([whole.n, whole.seed, whole.modalities, whole.candidates], [12, 0, ["image", "text"], undefined]);
});

test("errors name the field, what was found and what was expected", async () => {
  const wrong = file(
    "wrong.toml",
    'n = "many"\nmodalities = ["image", "smell"]\nsites = ["text.cross.zz"]\nspeed = 3\n',
  );
  await refused(
    () => readSettings(wrong),
    "options",
    "wrong.toml",
    "n: ",
    '"many"',
    "modalities.1",
    "smell",
    "sites.0",
    "speed",
    "Fields: model",
  );
  await refused(() => readSettings(file("broken.toml", "n = = 3")), "options", "broken.toml");
  await refused(() => readSettings(file("broken.json", "{")), "options", "broken.json");
  const many = `["${"a".repeat(8)}"${',"b"'.repeat(20_000)}]`;
  for (const [name, content] of [
    ["many.toml", `dataset = ${many}`],
    ["many.json", `{"dataset":${many}}`],
    ["deep.toml", `n = ${"[".repeat(500_000)}`],
  ] as const)
    await refused(() => readSettings(file(name, content)), "options", name, "more than 10000 values");
  await refused(() => readSettings(join(temporaryFolder(), "none.toml")), "options", "none.toml", "no such file");
  await refused(() => checkSettings({ dataset: ["faces", "faces"] }, "here"), "options", "dataset", "each once");
});

test("what scores depend on is fixed; how they are read is not", async () => {
  const stored = completeSettings({ n: 5 });
  await refused(
    () => reread(stored, { n: 6, seed: 1 }, "run"),
    "options",
    "run",
    "n is 5 there and 6 here",
    "seed is 0 there and 1 here",
  );
  const other = reread(stored, { n: 5, metric: "prob", position: "answer-1" }, "run");
  assert.equal([other.metric, other.position], ["prob", "answer-1"]);
  assert.is(settingsHash(other), settingsHash(stored));
  assert.is.not(settingsHash({ ...stored, sigma: 2 }), settingsHash(stored));
});

test("every number from its least to its most, and none beyond", async () => {
  const bounds: Record<string, readonly [least: number, most: number]> = {
    n: [1, 1_000_000],
    candidates: [1, 10_000_000],
    seed: [0, 999_999_999],
    screen: [0, 1_000_000],
    steps: [0, 1000],
    leastDifference: [0, 1000],
    resamples: [100, 100_000],
    verify: [0, 1_000_000],
    randomSets: [1, 1000],
    headlineSets: [0, 10_000],
  };
  for (const [name, [least, most]] of Object.entries(bounds)) {
    for (const value of [least, most]) assert.equal(checkSettings({ [name]: value }, "here"), { [name]: value });
    for (const value of [least - 1, most + 1])
      await refused(() => checkSettings({ [name]: value }, "here"), "options", `${name}: `);
  }
  // Nothing at all is no share and no deviation.
  for (const [name, most] of [
    ["rate", 0.999],
    ["sigma", 1000],
  ] as const) {
    assert.equal(checkSettings({ [name]: most }, "here"), { [name]: most });
    for (const value of [0, most + 0.001])
      await refused(() => checkSettings({ [name]: value }, "here"), "options", `${name}: `);
  }
});

test("a text may be long, but no book; a set names each thing once, and something", async () => {
  assert.ok(checkSettings({ model: "x".repeat(4096) }, "here"));
  await refused(() => checkSettings({ model: "x".repeat(4097) }, "here"), "options", "model: ");
  await refused(() => checkSettings({ model: "" }, "here"), "options", "model: ");
  await refused(() => checkSettings({ sites: [] }, "here"), "options", "sites: ");
  await refused(() => checkSettings({ sites: ["text.cross.z", "text.cross.z"] }, "here"), "options", "each once");
});

test("a file of a megabyte is read, and none larger", async () => {
  const padded = (bytes: number) => '{"n": 7}'.padEnd(bytes, " ");
  assert.equal(await readSettings(file("most.json", padded(2 ** 20))), { n: 7 });
  await refused(() => readSettings(file("more.json", padded(2 ** 20 + 1))), "options", "at most 1.05 MB");
});

test("the defaults, as docs/study.md has them", () => {
  const { dataset, modalities, ...others } = completeSettings({});
  assert.equal([dataset, modalities], [["scenes"], ["image", "text"]]);
  assert.equal(others, {
    model: "weights/scenes",
    n: 60,
    seed: 0,
    direction: "denoise",
    sigma: 1,
    screen: 0,
    attribution: true,
    steps: 0,
    metric: "effect",
    leastDifference: 0.5,
    rate: 0.05,
    resamples: 2000,
    verify: 20,
    randomSets: 20,
    headlineSets: 1000,
  });
});

test("sites and position follow from the architecture where nobody gives them", () => {
  const wanted = {
    "blip-vqa": [["text.cross.z", "text.self.z", "text.resid_post"], "answer"],
    "blip-itm": [["text.cross.z", "text.self.z", "text.resid_post"], "answer"],
    "blip-caption": [["decoder.cross.z", "decoder.self.z", "decoder.resid_post"], "last"],
    idefics3: [["text.self.z", "text.resid_post"], "last"],
    smolvlm: [["text.self.z", "text.resid_post"], "last"],
    llava: [["text.self.z", "text.resid_post"], "last"],
  };
  for (const [name, architecture] of Object.entries(ARCHITECTURES)) {
    const { sites, position } = settle(completeSettings({}), architecture);
    assert.equal([sites, position], wanted[name as keyof typeof wanted], name);
    const given = { sites: ["vision.self.z" as const], position: "3" };
    const kept = settle(completeSettings(given), architecture);
    assert.equal([kept.sites, kept.position], [given.sites, "3"]);
  }
});

test("settings of any kind are taken or refused by name", () => {
  const choose = random("settings");
  const names = [...Object.keys(completeSettings({})), "constructor", "__proto__", "x\u0000", ""];
  const values = [
    null,
    -1,
    0,
    1.5,
    1e300,
    Number.NaN,
    "",
    "a",
    "text.cross.z",
    [],
    [[]],
    {},
    ["image"],
    [null],
    true,
    "x".repeat(5000),
  ];
  let taken = 0;
  for (let i = 0; i < 4000; i++) {
    const fields = Array.from({ length: 1 + Math.floor(choose.next() * 3) }, () => [
      choose.pick(names),
      choose.pick(values),
    ]);
    try {
      checkSettings(Object.fromEntries(fields), "generated");
      taken++;
    } catch (error) {
      assert.instance(error, NoticeError);
      assert.match((error as Error).message, /^generated: /);
    }
  }
  assert.ok(taken > 10 && taken < 2000, `${taken} taken`);
});

test.run();
