import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { NoticeErrorCode } from "../src/base/errors.js";
import { attribute, attributeAll } from "../src/patching/attribute.js";
import { faithfulness, faithfulnessCurve } from "../src/patching/faithful.js";
import { headEffects, rankHeads } from "../src/patching/head-effects.js";
import { loadBlip } from "../src/patching/load-model.js";
import { type LogitMetric, rank } from "../src/patching/metrics.js";
import type { Blip } from "../src/patching/model.js";
import type { Pair } from "../src/patching/pair.js";
import { patch, patchHead, patchMetrics } from "../src/patching/patch.js";
import { hasPath, patchPath } from "../src/patching/paths.js";
import { fromRun } from "../src/patching/sources.js";
import { sweep } from "../src/patching/sweep.js";
import { encodePng } from "../src/pictures/picture.js";
import { openPool } from "../src/pool.js";
import { floats, temporaryFolder, writeCheckpoint } from "./support/checkpoint.js";
import { refused } from "./support/refused.js";
import { ANSWERS, CLEAN_IMAGE, CLEAN_QUESTION, CORRUPT_IMAGE, CORRUPT_QUESTION, NARROW } from "./support/samples.js";

// What somebody may write around `patchHead`, and the part of the error that says what to write instead. Much of it
// does not type-check (test/types.ts); here it is written as JavaScript would.

type Case = readonly [
  written: string,
  overrides: Record<string, unknown>,
  code: NoticeErrorCode,
  instead: string | RegExp,
];

const selection = { site: "text.cross.z", layer: 0, head: 0, position: "answer" };
const input = { image: CLEAN_IMAGE, corruptImage: CORRUPT_IMAGE, question: CLEAN_QUESTION, answers: ANSWERS };

const SELECTIONS: readonly Case[] = [
  ["a misspelt site", { site: "text.cros.z" }, "site", "Did you mean text.cross.z?"],
  ["cross-attention in the vision tower", { site: "vision.cross.z" }, "site", /Did you mean vision\..*not in vision/],
  ["the authors' name of a site", { site: "crossattention_block" }, "site", "Did you mean text.cross.z?"],
  ["no site", { site: undefined }, "site", "A site is vision, text or decoder, then"],
  ["a head of a site without heads", { site: "text.resid_post" }, "site", "leave head out, or patch text.self.z"],
  ["a layer past the last", { layer: 2 }, "site", "it has 2, 0 to 1"],
  ["a layer from the end", { layer: -1 }, "site", "it has 2, 0 to 1"],
  ["a layer as text", { layer: "0" }, "site", /no layer "0" in the text tower: it has 2, 0 to 1/],
  ["no layer", { layer: undefined }, "site", "it has 2, 0 to 1"],
  ["a head past the last", { head: 4 }, "site", "it has 4, 0 to 3"],
  ["no head", { head: undefined }, "site", "give `head` its number"],
  ["several heads", { head: [0, 1] }, "site", "`patch` patches several, or all"],
  ["a word that is not in the question", { position: "blue" }, "tokens", "Give one of its words, or an index."],
  ["a word that is not in the vocabulary", { position: "zebra" }, "tokens", "Give other words."],
  ["a position past the last", { position: 9 }, "site", "it has 9, 0 to 8"],
  ["an empty set of positions", { position: [] }, "site", "give at least one"],
  [
    "null for a position",
    { position: null },
    "site",
    'give an index, several, a word of the question, "answer" or "all"',
  ],
  [
    "a word among image patches",
    { site: "vision.self.z", position: "red" },
    "site",
    'give an index, several, or "all"',
  ],
  ["the answer among image patches", { site: "text.cross.k" }, "site", 'give an index, several, or "all"'],
];

const PAIRS: readonly Case[] = [
  ["both corruptions", { corruptQuestion: CORRUPT_QUESTION }, "options", "give a corrupt image or a corrupt question"],
  ["no corruption", { corruptImage: undefined }, "options", "give a corrupt image or a corrupt question"],
  [
    "a question for a picture",
    { image: CLEAN_QUESTION },
    "image",
    "Give the path of a PNG, JPEG, WebP, GIF or BMP file",
  ],
  ["a picture that is not there", { corruptImage: "nowhere.png" }, "image", "relative ones start at"],
  [
    "the address of a picture",
    { image: "https://localhost/a.png" },
    "image",
    "Download it, and give its path or its bytes",
  ],
  ["an ArrayBuffer", { image: new ArrayBuffer(8) }, "image", "new Uint8Array(buffer)"],
  ["noise of no size", { corruptImage: { noise: { sigma: 0, seed: 1 } } }, "options", "a number above 0 was expected"],
  ["noise of null", { corruptImage: { noise: null } }, "options", "such as { sigma: 1, seed: 0 }"],
  ["no question", { question: undefined }, "tokens", "give a question"],
  ["a long question", { question: "is it red ".repeat(8) }, "tokens", "Shorten it."],
  [
    "a corrupt question of another length",
    { corruptImage: undefined, corruptQuestion: "is it green or blue?" },
    "tokens",
    "Replace words by words of as many word pieces.",
  ],
  ["one answer", { answers: ["red"] }, "tokens", 'such as ["red", "blue"]'],
  ["the same answer twice", { answers: ["red", "red"] }, "tokens", "Choose answers that differ there."],
  ["an answer that is no word of the model", { answers: ["zebra", "red"] }, "tokens", "Give other words."],
  ["an empty answer", { answers: ["", "red"] }, "tokens", "Give a word."],
  ["an answer that the question lacks", { answers: ["blue", "red"] }, "tokens", "Give one of its words, or an index."],
];

const patchAny = patchHead as unknown as (pair: unknown, selection: unknown, options?: unknown) => Promise<unknown>;
const pairAny = (overrides: object) => blip.pair({ ...input, ...overrides } as Parameters<Blip["pair"]>[0]);

let blip: Blip;
let pair: Pair;

test.before(async () => {
  blip = await loadBlip(NARROW);
  pair = await pairAny({});
});

for (const [written, overrides, code, instead] of SELECTIONS)
  test(written, async () => {
    await refused(() => patchAny(pair, { ...selection, ...overrides }), code, instead);
  });

for (const [written, overrides, code, instead] of PAIRS)
  test(written, async () => {
    await refused(
      async () => {
        using made = await pairAny(overrides);
        await patchAny(made, selection);
      },
      code,
      instead,
    );
  });

test("a pair that nobody awaited", async () => {
  await refused(() => patchAny(Promise.resolve(pair), selection), "options", "The pair is a promise: write `await`");
  await refused(() => sweep(Promise.resolve(pair) as never, { site: "text.cross.z" }), "options", "write `await`");
});

test("a pair after its block", async () => {
  const gone = await pairAny({});
  gone[Symbol.dispose]();
  gone[Symbol.dispose]();
  await refused(() => patchAny(gone, selection), "disposed", "inside the block of its `using`");
});

test("a direction that there is not", async () => {
  await refused(() => patchAny(pair, selection, { direction: "forward" }), "options", 'give "denoise"');
});

test("a run for a source of values", async () => {
  await refused(() => patchAny(pair, selection, { source: pair.clean }), "options", "fromRun(run)");
});

test("values of a question of another length", async () => {
  using other = await blip.run({ image: CLEAN_IMAGE, question: "is it red?" });
  await refused(() => patchAny(pair, selection, { source: fromRun(other) }), "options", "as many tokens as the pair");
});

test("what is no metric", async () => {
  const measured = (metrics: unknown) => () =>
    patchMetrics(pair, [{ site: "text.cross.z", layer: 0 }], metrics as Record<string, LogitMetric>);
  await refused(measured({}), "options", "give one by a name");
  await refused(measured({ mean: (logits: tf.Tensor2D) => tf.mean(logits) }), "options", "one number a row, [3]");
  await refused(measured({ name: "rank" }), "options", "The metric name failed");
  await refused(measured({ rank: rank({ text: "", token: "", id: 81 }) }), "tokens", "model.answer");
});

const nulls: Record<string, () => unknown> = {
  sweep: () => sweep(pair, null as never),
  attribute: () => attribute(pair, null as never),
  attributeAll: () => attributeAll(pair, ["text.cross.z"], null as never),
  patchHead: () => patchAny(pair, selection, null),
  patch: () => patch(pair, [{ site: "text.cross.z", layer: 0 }], null as never),
  patchMetrics: () => patchMetrics(pair, [{ site: "text.cross.z", layer: 0 }], {} as never, null as never),
  patchPath: () => patchPath(pair, [], [], null as never),
  hasPath: () => hasPath(pair, { site: "text.cross.z", layer: 0 }, "answer", null as never),
  faithfulness: () => faithfulness(pair, [], null as never),
  faithfulnessCurve: () => faithfulnessCurve(pair, [], null as never),
  headEffects: () => headEffects(pair, null as never),
  rankHeads: () => rankHeads(pair, null as never),
  ask: () => blip.ask(input, null as never),
  loadBlip: () => loadBlip(NARROW, null as never),
  openPool: () => openPool(NARROW, null as never),
};

for (const [name, call] of Object.entries(nulls))
  test(`null for the options of ${name}`, async () => {
    await refused(call, "options", "are null; give an object");
  });

test("options that are no object", async () => {
  await refused(() => sweep(pair, undefined as never), "options", "are missing; give an object");
  await refused(() => sweep(pair, "text.cross.z" as never), "options", "are a string; give an object");
});

test("common options of another kind, by their names", async () => {
  const given = { site: "text.cross.z" } as const;
  const swept = (more: object) => () => sweep(pair, { ...given, ...more });
  await refused(
    swept({ memory: "3GB" }),
    "options",
    "The option memory of sweep is of type string; a number was expected.",
  );
  await refused(swept({ onProgress: {} }), "options", "onProgress of sweep is of type object; a function was expected");
  await refused(swept({ signal: { aborted: false } }), "options", "an AbortSignal was expected");
  await refused(swept({ layers: "1" }), "options", 'layers is "1"; a number or a list such as [0, 1] was expected');
});

test("a key that nobody reads never becomes a number", async () => {
  const place = { site: "text.cross.z", layer: 0, head: 0, position: "answer" } as const;
  const { position: _, ...anywhere } = place;
  const rows: readonly [() => unknown, ...string[]][] = [
    [
      () => patchAny(pair, { ...anywhere, postion: "answer" }),
      'no option "postion" of a place of patchHead',
      "Did you mean position?",
    ],
    [
      () => patchAny(pair, { ...place, direction: "noise" }),
      "direction is no part of the place",
      "the next argument, { direction: … }",
    ],
    [() => patchAny(pair, place, { directoin: "noise" }), "Did you mean direction?"],
    [() => patchAny(pair, place, { position: "answer" }), 'no option "position" of patch. '],
    [() => patch(pair, [place, { ...place, haed: 1 }] as never), "Did you mean head?"],
    [() => sweep(pair, { ...place, screeen: 1 } as never), "Did you mean screen?"],
    [() => sweep(pair, { site: place.site }, { postion: 1 } as never), "There is no option"],
    [() => sweep(pair, { site: place.site, direction: "noise" }, { direction: "noise" }), "is given to sweep twice"],
    [() => attribute(pair, { ...place, metric: rank } as never), 'no option "metric" of attribute'],
    [() => attributeAll(pair, ["text.cross.z"], { stpes: 5 } as never), "Did you mean steps?"],
    [() => patchPath(pair, [{ ...place, mediated: true }] as never, ["answer"]), "mediated is no part of the place"],
    [() => hasPath(pair, place, "answer", { meditated: true } as never), "Did you mean mediated?"],
    [() => faithfulness(pair, [], { randomsets: 3 } as never), "Did you mean randomSets?"],
    [() => blip.pair({ ...input, corruptImge: "a.png" } as never), "Did you mean corruptImage?"],
    [() => blip.ask(input, { tops: 3 } as never), "Did you mean top?"],
    [() => loadBlip(NARROW, { backends: "wasm" } as never), "Did you mean backend?"],
    [() => pair.clean.at("text.cross.z", { layers: 1 } as never), "Did you mean layer?"],
  ];
  for (const [call, ...parts] of rows) await refused(call, "options", ...parts);
});

test("a list or an input in the place of a pair", async () => {
  await refused(() => patchAny([pair, pair], selection), "options", "a list of 2, and one pair was expected");
  await refused(() => patchAny(input, selection), "options", "no pair yet; make one by `await blip.pair(");
  await refused(() => pair.clean.at("text.cross.z", undefined as never), "options", "such as { layer: 0 }");
  await refused(() => patch(pair, [null] as never), "options", "are null");
  await refused(() => patchPath(pair, "text" as never, ["answer"]), "options", "as lists");
});

test("one layer and one head say the same in a place of a patch and of a sweep", async () => {
  const place = { site: "text.cross.z", layer: 1, head: 2, position: "answer" } as const;
  const { effect } = await patchHead(pair, place);
  const at = [1, 2, pair.answerToken!] as const;
  for (const same of [{ ...place }, { ...place, layer: undefined, layers: [1], head: undefined, heads: [2] }]) {
    const scores = await sweep(pair, same);
    // One place was swept, and it is that of the patch.
    assert.is(
      (scores.toJSON().metrics.effect as (number | null)[][][]).flat(2).filter((one) => one !== null).length,
      1,
    );
    assert.ok(Math.abs(scores.at("effect", ...at)! - effect!) < 1e-5);
  }
  const noise = await sweep(pair, place, { direction: "noise" });
  const expected = await patchHead(pair, place, { direction: "noise" });
  assert.ok(Math.abs(noise.at("effect", ...at)! - expected.effect!) < 1e-5);
  await refused(() => patch(pair, [{ ...place, heads: 1 }]), "site", "two names of one thing");
});

test("null for what is asked about", async () => {
  await refused(() => blip.run(null as never), "options", "are null; give an object, such as { image, question }");
  await refused(() => blip.pair(null as never), "options", "are null; give an object");
  await refused(() => pairAny({ corruptImage: { noise: null } }), "options", "are null; give an object");
  await refused(() => encodePng(null as never), "image", "A picture was expected");
});

test("a picture whose data is not of its size", async () => {
  const image = { width: 2, height: 2, data: new Uint8Array(6) };
  await refused(() => pairAny({ image }), "image", "2 x 2 pixels has 6 bytes");
  await refused(() => encodePng({ ...image, data: null } as never), "image", "A picture was expected");
});

test("weights that overflow say so where they are asked", async () => {
  const folder = writeCheckpoint(temporaryFolder(), ({ tensors }) => {
    const { shape, bytes } = tensors.get("text_decoder.cls.predictions.decoder.weight")!;
    const large = floats(...new Array<number>(bytes.length / 4).fill(3e38));
    tensors.set("text_decoder.cls.predictions.decoder.weight", { dtype: "F32", shape, bytes: large });
  });
  // The cpu backend sums in float64, and another test of this process may have chosen it.
  using overflowing = await loadBlip(folder, { backend: "wasm" });
  await refused(() => overflowing.ask(input), "checkpoint", /logits are -?(NaN|Infinity)/, "overflow float32");
});

test("a model after its block", async () => {
  const gone = await loadBlip(NARROW);
  gone[Symbol.dispose]();
  await refused(() => gone.ask(input), "disposed", "inside the block of its `using`");
});

test.run();
