import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { cures } from "../../src/cli/doctor.js";
import { isCheckout } from "../../src/files/package.js";
import { loadBlip } from "../../src/patching/load-model.js";
import { sweep } from "../../src/patching/sweep.js";
import { decodePicture } from "../../src/pictures/decode.js";
import { useBackend } from "../../src/platform/backend.js";
import { type CheckpointDraft, fileOf, floats, temporaryFolder, writeCheckpoint } from "../support/checkpoint.js";
import { notice, noticeHere, type Outcome } from "../support/command.js";
import { FIXTURES } from "../support/fixture.js";
import {
  ANSWERS,
  CLEAN_IMAGE,
  CLEAN_QUESTION,
  CORRUPT_IMAGE,
  CORRUPT_QUESTION,
  NARROW,
  samplePair,
} from "../support/samples.js";

const ASK = ["ask", NARROW, "--image", CLEAN_IMAGE, "--question", CLEAN_QUESTION];

/** `notice sweep` over the fixture's image pair; null takes an option away. */
function sweepArgs(changes: Record<string, string | null> = {}, model = NARROW): string[] {
  const options = {
    "--image": CLEAN_IMAGE,
    "--corrupt-image": CORRUPT_IMAGE,
    "--question": CLEAN_QUESTION,
    "--answers": ANSWERS.join(","),
    ...changes,
  };
  return ["sweep", model, ...Object.entries(options).flatMap(([name, value]) => (value === null ? [] : [name, value]))];
}

test.before(async () => {
  await useBackend();
});

test("sweep --json -: nothing but the library's result on stdout, nothing on stderr", async () => {
  const { code, stdout, stderr } = await notice(...sweepArgs({ "--json": "-" }));
  assert.is(stderr, "");
  assert.is(code, 0);
  const found = JSON.parse(stdout) as { metrics: { effect: number[][][] } };
  using blip = await loadBlip(NARROW);
  using pair = await samplePair(blip, "image");
  assert.equal(found, JSON.parse(JSON.stringify(await sweep(pair, { site: "text.cross.z" }))));
});

test("sweep --json FILE --png FILE: a table on stdout, whole files, nothing beside them", async () => {
  const folder = temporaryFolder();
  const [json, png] = [join(folder, "scores.json"), join(folder, "map.png")];
  writeFileSync(json, '{\n  "model": "of an earlier run",\n  "direction": "noise"\n}\n');
  const args = sweepArgs({
    "--corrupt-image": null,
    "--corrupt-question": CORRUPT_QUESTION,
    "--direction": "noise",
    "--layers": "0-1",
    "--heads": "0,2-3",
    "--position": "answer",
    "--site": "text.self.z",
  });
  const { code, stdout, stderr } = await notice(...args, "--json", json, "--png", png);
  assert.is(stderr, "");
  assert.is(code, 0);
  assert.match(stdout, /red or striped \(read as "stri"\): logit difference -?\d+\.\d{3} clean/);
  assert.match(stdout, /noise text\.self\.z at token 3 \(red\)/);
  assert.match(stdout, /largest of 6:/);
  assert.equal(readdirSync(folder).sort(), ["map.png", "scores.json"]);
  const { width, height } = await decodePicture(readFileSync(png), png);
  assert.ok(width > 100 && height > 50);
  using blip = await loadBlip(NARROW);
  using pair = await samplePair(blip, "text");
  const scores = await sweep(pair, { site: "text.self.z", direction: "noise", heads: [0, 2, 3], position: "answer" });
  assert.equal(JSON.parse(readFileSync(json, "utf8")), JSON.parse(JSON.stringify(scores)));
});

test("ask: table, JSON and file", async () => {
  using blip = await loadBlip(NARROW);
  const expected = await blip.ask({ image: CLEAN_IMAGE, question: CLEAN_QUESTION }, { top: 3 });
  assert.equal(Object.keys(expected), ["answer", "tokens", "top"]);
  assert.equal(Object.keys(expected.top[0]!), ["id", "token", "logit", "prob"]);
  const json = await noticeHere(...ASK, "--top", "3", "--json", "-");
  assert.is(json.code, 0);
  assert.equal(JSON.parse(json.stdout), expected);
  const file = join(temporaryFolder(), "answer.json");
  const table = await noticeHere(...ASK, "--top", "3", "--json", file);
  assert.is(table.code, 0);
  assert.equal(JSON.parse(readFileSync(file, "utf8")), expected);
  const lines = table.stdout.split("\n");
  assert.equal(lines[0], expected.answer);
  assert.match(lines[2]!, /token +id +logit +prob/);
  for (const [i, { token, id }] of expected.top.entries())
    assert.ok(lines[3 + i]!.startsWith(token) && lines[3 + i]!.includes(` ${id} `));
});

test("every kind of site prints and draws", async () => {
  const folder = temporaryFolder();
  for (const [i, site] of ["text.resid_post", "decoder.self.z", "vision.resid_post"].entries()) {
    const png = join(folder, `${i}.png`);
    const { code, stdout, stderr } = await noticeHere(...sweepArgs({ "--site": site, "--png": png }));
    assert.is(code, 0, stderr);
    assert.match(stdout, `denoise ${site}`);
    await decodePicture(readFileSync(png), png);
  }
});

/** Asserts exit code 2 (or another), one clean line that has all of `parts`, and no file written. */
async function refusedHere(args: string[], parts: (string | RegExp)[], code = 2) {
  const out = temporaryFolder();
  const files = args[0] === "sweep" ? ["--png", join(out, "map.png")] : [];
  const outcome = await noticeHere(...args, "--json", join(out, "scores.json"), ...files);
  checkRefusal(outcome, parts, code);
  assert.equal(readdirSync(out), [], "files are left behind");
}

function checkRefusal({ code, stdout, stderr }: Outcome, parts: (string | RegExp)[], expected = 2) {
  assert.is(code, expected, stderr);
  assert.is(stdout, "");
  assert.match(stderr, /^notice: \P{C}+\n$/u); // one line, no control character
  assert.not.match(stderr, "    at ");
  for (const part of parts) assert.match(stderr, part);
}

const badCheckpoints: Record<string, [(draft: CheckpointDraft) => void, ...(string | RegExp)[]]> = {
  "truncated safetensors": [
    (draft) => {
      draft.finish = (file) => file.slice(0, -5);
    },
    "model.safetensors is not a whole",
    /lies at bytes \d+ to \d+ and the file has \d+/,
  ],
  "truncated header": [
    (draft) => {
      draft.finish = (file) => file.slice(0, 99);
    },
    "model.safetensors",
    /claims \d+ bytes and the file has 99/,
  ],
  "overlapping tensors": [
    (draft) => {
      draft.finish = () =>
        fileOf(
          '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}',
          floats(1, 2, 3),
        );
    },
    "model.safetensors",
    "tensor b",
    "inside the tensor before it",
  ],
  "tensor out of range": [
    (draft) => {
      draft.finish = () => fileOf('{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}', floats(1));
    },
    "model.safetensors",
    "tensor a lies at bytes",
    "the file has",
  ],
  "absurdly long header": [
    (draft) => {
      draft.finish = () => fileOf("{}", floats(1), 2n ** 63n);
    },
    "model.safetensors",
    "9223372036854775808 bytes",
    "at most 100000000",
  ],
  "header of noise": [
    (draft) => {
      draft.finish = () => fileOf("\u001b[2J\n\u0007\n", floats(1));
    },
    "the header of",
    "model.safetensors is not JSON",
  ],
  "name that a terminal would obey": [
    ({ tensors }) => {
      tensors.set("text_encoder.\u001b]0;x\u0007\r\n\u009b2J", { dtype: "F32", shape: [1], bytes: floats(1) });
    },
    "1 tensor not part of the model",
  ],
  "NaN weight": [
    ({ tensors }) => {
      tensors.get("text_encoder.embeddings.LayerNorm.weight")!.bytes.fill(0xff, 0, 4);
    },
    "model.safetensors",
    "tensor text_encoder.embeddings.LayerNorm.weight holds NaN at element 0",
    "must be finite",
  ],
  "missing tensor": [
    ({ tensors }) => {
      tensors.delete("vision_model.post_layernorm.bias");
    },
    "1 tensor missing: vision_model.post_layernorm.bias",
  ],
  "extra tensor": [
    ({ tensors }) => {
      tensors.set("vision_model.head.bias", { dtype: "F32", shape: [1], bytes: floats(1) });
    },
    "1 tensor not part of the model: vision_model.head.bias",
  ],
  "misshapen tensor": [
    ({ tensors }) => {
      tensors.get("text_encoder.embeddings.LayerNorm.weight")!.shape = [2, 16];
    },
    "1 tensor misshapen: text_encoder.embeddings.LayerNorm.weight is [2,16] where config.json asks for [32]",
  ],
  "heads that do not divide the width": [
    ({ config }) => {
      config.text_config.num_attention_heads = 5;
    },
    "config.json: text_config.num_attention_heads is 5",
    "hidden_size 32",
  ],
  "another kind of model": [
    ({ config }) => {
      config.model_type = "llava";
    },
    "config.json is not the config of a BLIP model",
    '"blip"',
    'found "llava"',
  ],
  "more than memory": [
    ({ config }) => {
      Object.assign(config.text_config, { hidden_size: 16_384, num_hidden_layers: 200 });
      Object.assign(config.vision_config, { hidden_size: 16_384 });
    },
    /takes \d[\d.]* GB of weights and about \d[\d.]* GB to run; .* has \d[\d.]* GB/,
  ],
  "pytorch_model.bin": [
    ({ files }) => {
      files["model.safetensors"] = undefined;
      files["pytorch_model.bin"] = "PK";
    },
    "neither model.safetensors nor",
    "save_pretrained",
  ],
};

for (const [name, [mutate, ...parts]] of Object.entries(badCheckpoints))
  test(`bad checkpoint: ${name}`, async () => {
    const folder = writeCheckpoint(temporaryFolder(), mutate);
    await refusedHere(sweepArgs({}, folder), [folder, ...parts]);
  });

/** A JPEG that claims to be 65,535 x 65,535 pixels. */
function bomb(): Uint8Array {
  const bytes = readFileSync(join(FIXTURES, "pixels/37x53-420-baseline.jpg"));
  const frame = bytes.indexOf("\xff\xc0", 0, "latin1"); // marker (2), length (2), depth, height (2), width (2)
  return bytes.fill(0xff, frame + 5, frame + 9);
}

const badPictures: Record<string, [() => Uint8Array | string, ...(string | RegExp)[]]> = {
  empty: [() => "", "is empty", "GIF or BMP"],
  truncated: [() => new Uint8Array(readFileSync(CLEAN_IMAGE)).slice(0, 900), /cut|ends|truncated|damaged/],
  "of another kind": [() => "GIF99a...", "is a damaged GIF", "GIF or BMP"],
  "a page": [() => "<!DOCTYPE html><html>", "HTML", "GIF or BMP"],
  "a decompression bomb": [bomb, "65535 x 65535 = 4294836225 pixels", "at most"],
};

for (const [name, [content, ...parts]] of Object.entries(badPictures))
  test(`bad picture: ${name}`, async () => {
    const picture = join(temporaryFolder(), "picture");
    writeFileSync(picture, content());
    await refusedHere(sweepArgs({ "--corrupt-image": picture }), [picture, ...parts]);
    await refusedHere(["ask", NARROW, "--image", picture, "--question", CLEAN_QUESTION], [picture, ...parts]);
  });

const LONG = "is it red ".repeat(9);

const badInputs: Record<string, [Record<string, string | null>, ...(string | RegExp)[]]> = {
  "no such picture": [{ "--image": "nowhere.png" }, "nowhere.png", "no such file"],
  "question past the position table": [{ "--question": LONG }, "is it red", "29 tokens", "at most 24"],
  "questions of unequal length": [
    { "--corrupt-image": null, "--corrupt-question": "is it green or blue?" },
    "9 in",
    "[CLS] is it red or stri ##ped ? [SEP]",
    "8 in",
    "[CLS] is it green or blue ? [SEP]",
  ],
  "answer that is no word": [{ "--answers": "zebra,red" }, '"zebra" is not in the vocabulary'],
  "answers that begin alike": [{ "--answers": "spotted,spotless" }, '"spotted"', '"spotless"', '"spot"'],
  "no such layer": [{ "--layers": "0,2" }, "no layer 2", "it has 2, 0 to 1"],
  "no such head": [{ "--heads": "4" }, "no head 4", "it has 4, 0 to 3"],
  "no such position": [{ "--position": "9" }, "no position 9", "it has 9, 0 to 8"],
  "no such word": [{ "--position": "blue" }, '"blue"', "Is it red or striped?"],
  "unknown site": [{ "--site": "text.crss.z" }, '"text.crss.z"', "Did you mean text.cross.z?"],
  "heads of a site without": [{ "--site": "text.mlp.out", "--heads": "0" }, "text.mlp.out has no heads"],
  "both modalities": [
    { "--corrupt-question": CORRUPT_QUESTION },
    "exactly one of --corrupt-image and --corrupt-question",
  ],
  "neither modality": [{ "--corrupt-image": null }, "exactly one of --corrupt-image and --corrupt-question"],
  "one answer": [{ "--answers": "red" }, "--answers", "correct,incorrect"],
  "no question": [{ "--question": null }, "beside the picture a text was expected; give a question"],
  "layers that are no list": [{ "--layers": "0-" }, "--layers", '"0-" is neither an index nor a range'],
  "unknown direction": [{ "--direction": "up" }, "--direction", "denoise, noise"],
  "unknown backend": [{ "--backend": "gpu" }, "--backend", "wasm"],
};

for (const [name, [changes, ...parts]] of Object.entries(badInputs))
  test(`bad input: ${name}`, () => refusedHere(sweepArgs(changes), parts));

test("ask refuses what sweep refuses", async () => {
  await refusedHere(["ask", NARROW, "--image", CLEAN_IMAGE, "--question", LONG], ["29 tokens", "at most 24"]);
  await refusedHere([...ASK, "--top", "0"], ["top is 0", "at least 1"]);
  await refusedHere([...ASK, "--top", "-1"], ["--top", "whole number"]);
});

test("a model that is none", async () => {
  const file = join(temporaryFolder(), "model.safetensors");
  copyFileSync(join(NARROW, "model.safetensors"), file);
  await refusedHere(sweepArgs({}, file), [file, "is a file, not a folder"]);
  await refusedHere(sweepArgs({}, "no/such/folder"), ["no/such/folder"]);
  await refusedHere(sweepArgs({}, temporaryFolder()), ["has no config.json"]);
});

test("an output that cannot be written is refused before the model is looked at", async () => {
  const folder = temporaryFolder();
  const file = join(folder, "file");
  writeFileSync(file, "");
  mkdirSync(join(folder, "inside"));
  const cases: [string[], ...string[]][] = [
    [["--json", join(folder, "none", "x.json")], "--json", "the folder", "none does not exist"],
    [["--png", join(folder, "none", "x.png")], "--png", "none does not exist"],
    [["--json", join(file, "x.json")], "--json", "file does not exist"],
    [["--json", join(folder, "inside")], "--json", "no file"],
    [["--json", "/dev/null"], "--json", "no file"],
    [["--json", join(folder, "x"), "--png", join(folder, "x")], "--png", "another option names it too"],
  ];
  for (const [options, ...parts] of cases)
    checkRefusal(await noticeHere(...sweepArgs({}, "no/such/folder"), ...options), parts);
  checkRefusal(await noticeHere(...ASK, "--json", join(folder, "none", "x.json")), ["--json", "does not exist"]);
  assert.equal(readdirSync(folder).sort(), ["file", "inside"]);
});

test("a figure is what the ending of its name says", async () => {
  const folder = temporaryFolder();
  const svg = join(folder, "map.svg");
  const args = ["--position", "answer", "--layers", "0", "--png"];
  for (const _ of ["written", "and again, since it is ours"]) {
    const { code, stderr } = await noticeHere(...sweepArgs(), ...args, svg);
    assert.equal([code, stderr], [0, ""]);
    assert.match(readFileSync(svg, "utf8"), /^<svg [^>]*>/);
  }
  checkRefusal(await noticeHere(...sweepArgs(), ...args, join(folder, "map.jpg")), [
    "as .png or .svg, and not as .jpg",
  ]);
  const { code, stdout } = await noticeHere(...sweepArgs(), ...args, "-");
  assert.is(code, 0);
  assert.match(stdout, /^137,80,78,71,/); // bytes, which this process's stand-in writes as numbers
  assert.equal(readdirSync(folder), ["map.svg"]);
});

test("sizes are said in the unit in which they were given", async () => {
  const small = await noticeHere(...ASK, "--memory", "1500kB");
  checkRefusal(small, ["--memory", "A size such as 500MB or 3GB"]);
  checkRefusal(await noticeHere(...ASK, "--memory", "15MB"), [/takes [\d.]+ MB of weights .* has 15 MB\./]);
  checkRefusal(await noticeHere(...ASK, "--memory", "0.0152GB"), [/has 0\.0152 GB\./]);
  checkRefusal(await noticeHere(...ASK, "--memory", "0GB"), ["A size such as"]);
});

test("a failure that is not the input's has exit code 1", async () => {
  process.env.HF_HUB_OFFLINE = "1";
  try {
    await refusedHere(sweepArgs({}, "nobody/nothing"), ["nobody/nothing", "HF_HUB_OFFLINE"], 1);
  } finally {
    delete process.env.HF_HUB_OFFLINE;
  }
});

test("a refusal of the process itself", async () => {
  const folder = writeCheckpoint(temporaryFolder(), ({ tensors }) =>
    tensors.delete("text_encoder.embeddings.LayerNorm.weight"),
  );
  checkRefusal(await notice(...sweepArgs({ "--json": "-" }, folder)), [
    folder,
    "1 tensor missing: text_encoder.embeddings.LayerNorm.weight",
  ]);
});

test("help and version are no failure; an unknown command is", async () => {
  const version = await noticeHere("--version");
  assert.equal([version.code, version.stderr], [0, ""]);
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
  const help = await noticeHere("sweep", "--help");
  assert.is(help.code, 0);
  assert.match(help.stdout, "--corrupt-question");
  const unknown = await noticeHere("swep");
  assert.is(unknown.code, 2);
  assert.match(unknown.stderr, /^notice: There is no command "swep"\. Did you mean sweep\? `notice --help`/);
});

test("tokens that a terminal would obey are not printed", async () => {
  const folder = writeCheckpoint(temporaryFolder(), ({ files }) => {
    const tokenizer = readFileSync(join(NARROW, "tokenizer.json"), "utf8");
    files["tokenizer.json"] = tokenizer.replaceAll('"##ped"', '"\\u001b[2J"');
  });
  const args = ["ask", folder, "--image", CLEAN_IMAGE, "--question", "is it red?", "--top", "81"];
  const { code, stdout, stderr } = await noticeHere(...args);
  assert.is(code, 0, stderr);
  assert.match(stdout, "\uFFFD[2J");
  assert.not.match(stdout, "\u001b");
});

test("doctor names the backends, their speed, and the one that is in use", async () => {
  const file = join(temporaryFolder(), "doctor.json");
  const { NOTICE_BACKEND } = process.env;
  process.env.NOTICE_BACKEND = "cpu"; // never the first that loads
  const { code, stdout } = await notice("doctor", "--json", file);
  if (NOTICE_BACKEND === undefined) delete process.env.NOTICE_BACKEND;
  else process.env.NOTICE_BACKEND = NOTICE_BACKEND;
  assert.is(code, 0);
  assert.match(stdout, /^\* cpu +[\d.]+ GFLOP/m);
  assert.match(stdout, "* is in use, because NOTICE_BACKEND says so.");
  const { inUse, backends, memory } = JSON.parse(readFileSync(file, "utf8")) as {
    inUse: string;
    backends: { backend: string; gflops?: number; missing?: string }[];
    memory: { available: number; total: number };
  };
  assert.equal(
    backends.map(({ backend }) => backend),
    ["node-gpu", "webgpu", "node", "wasm", "cpu"],
  );
  for (const { gflops, missing } of backends) assert.ok((gflops ?? 0) > 0 || missing);
  assert.is(inUse, "cpu");
  assert.ok(memory.available > 0 && memory.total >= memory.available);
});

test("what doctor recommends is there: a script in a checkout, the peers' versions elsewhere", () => {
  const { scripts, peerDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
  const [checkout, installed] = [cures(true), cures(false)];
  assert.ok(scripts[/^npm run (\S+) /.exec(checkout.node)![1]!]);
  for (const [backend, name] of [
    ["node", "@tensorflow/tfjs-node"] as const,
    ["node-gpu", "@tensorflow/tfjs-node-gpu"] as const,
  ])
    assert.ok(`${installed[backend]} `.startsWith(`npm install ${name}@${peerDependencies[name]} `));
  assert.not.match(JSON.stringify(installed), "npm run");
  assert.ok(isCheckout());
});

test.run();
