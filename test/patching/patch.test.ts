import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { towerSize } from "../../src/model/architecture.js";
import { resume } from "../../src/model/pass.js";
import { atOnce } from "../../src/model/steps.js";
import type { PairInput } from "../../src/patching/inputs.js";
import { loadBlip } from "../../src/patching/load-model.js";
import { METRICS, readAnswers, type Score, score } from "../../src/patching/metrics.js";
import type { Blip } from "../../src/patching/model.js";
import type { Pair } from "../../src/patching/pair.js";
import { patch, patchHead } from "../../src/patching/patch.js";
import { type Selection, tokenCount } from "../../src/patching/selection.js";
import { SITES, type Site } from "../../src/patching/sites.js";
import { type SweepOptions, sweep } from "../../src/patching/sweep.js";
import { siteOf } from "../support/blip-vqa.js";
import { refused } from "../support/refused.js";
import {
  ANSWERS,
  CLEAN_IMAGE,
  CLEAN_QUESTION,
  CORRUPT_IMAGE,
  CORRUPT_QUESTION,
  NARROW,
  samplePair,
} from "../support/samples.js";

let blip: Blip;

test.before(async () => {
  blip = await loadBlip(NARROW);
});

function close(found: number, expected: number, tolerance: number, what: string) {
  assert.ok(Math.abs(found - expected) <= tolerance, `${what}: ${found} where ${expected} was expected`);
}

/** The patch put all of the source into the base: the answer is the source's. */
function allRestored({ prob, effect }: Score, pair: Pair, what: string) {
  close(effect!, 1, 1e-4, `${what}: effect`);
  close(prob, pair.readings.clean.prob, 1e-5, `${what}: prob`);
}

const layersOf = (pair: Pair, site: Site) =>
  Array.from({ length: towerSize(pair.model, siteOf(site).tower).layers }, (_, layer) => layer);

test("a run patched with its own values is the same run, at every site", async () => {
  using pair = await samplePair(blip, "image", { corruptImage: CLEAN_IMAGE });
  // Natively GELU is rounded otherwise where its input is given.
  const rounding = blip.backend === "node" ? 1e-5 : 1e-6;
  for (const site of SITES)
    for (const layer of layersOf(pair, site)) {
      const { prob, probDiff, logitDiff } = await patch(pair, [{ site, layer }]);
      assert.ok(Math.abs(logitDiff) <= rounding && Math.abs(probDiff) <= rounding, `${site} ${layer}: ${logitDiff}`);
      close(prob, pair.readings.clean.prob, rounding, site);
    }
});

type Numbers = number | Numbers[];

/** The corrupted pass with a value of its layer written out by hand: the clean pass's at one head and token. */
async function byHand(pair: Pair, site: Site, layer: number, head: number, token: number): Promise<Score> {
  const { tower, within, perHead, isPattern } = siteOf(site);
  const [value, clean] = [pair.corrupted, pair.clean].map((run) =>
    tf.tidy(() => run.at(site, { layer }).arraySync() as Numbers[][]),
  ) as [Numbers[][], Numbers[][]];
  if (!perHead) value[token] = clean[token]!;
  else if (isPattern) value[head]![token] = clean[head]![token]!;
  else value[token]![head] = clean[token]![head]!;
  const logits = tf.tidy(() => {
    const whole = { values: tf.expandDims(tf.tensor(value as number[][]), 0) };
    return atOnce(resume(pair.model, pair.corrupted.activations, { [tower]: new Map([[layer, { [within]: whole }]]) }));
  });
  const [reading] = await readAnswers(logits, pair.answers);
  logits.dispose();
  return score(reading!, pair.readings.corrupted, pair.readings.clean);
}

/** A head and a token, the next head, the next token: those of them that the site has. */
function neighbours(pair: Pair, site: Site): number[][] {
  const { perHead, tower } = siteOf(site);
  const heads = perHead ? towerSize(pair.model, tower).heads : 1;
  const tokens = tokenCount(pair, siteOf(site));
  const [head, token] = [perHead ? heads - 2 : 0, tokens > 1 ? 3 : 0];
  const places = [
    [head, token],
    [head + 1, token],
    [head, token + 1],
  ];
  return places.filter(([h, t]) => h! < heads && t! < tokens);
}

test("a patch is its own head and token and no other's, at every site", async () => {
  using pair = await samplePair(blip, "image");
  for (const site of SITES) {
    const found: number[] = [];
    for (const [head, position] of neighbours(pair, site) as [number, number][]) {
      const selection = { site, layer: 1, position, head: siteOf(site).perHead ? head : undefined } as Selection;
      const patched = await patch(pair, [selection]);
      const expected = await byHand(pair, site, 1, head, position);
      for (const metric of METRICS)
        close(patched[metric]!, expected[metric]!, 1e-5, `${site} head ${head} token ${position} ${metric}`);
      found.push(expected.logitDiff);
    }
    if (site.startsWith("decoder.self.") && /[qk]$|pattern$/.test(site)) continue; // [DEC] has only itself to attend to
    for (const [i, one] of found.entries())
      for (const other of [0, ...found.slice(0, i)])
        assert.ok(Math.abs(one - other) > 1e-4, `${site}: ${found} do not tell places apart`);
  }
});

test("a whole stream, patched where all of the corruption flows through it, restores the clean answer", async () => {
  using image = await samplePair(blip, "image");
  using text = await samplePair(blip, "text");
  // Later layers see the corrupted picture by cross-attention: under SIP only the last layer of a text tower carries
  // all.
  const carriers: [Pair, Site, "every" | "last"][] = [
    [image, "vision.resid_post", "every"],
    [image, "text.resid_post", "last"],
    [image, "decoder.resid_post", "last"],
    [text, "text.resid_post", "every"],
    [text, "decoder.resid_post", "last"],
  ];
  for (const [pair, site, which] of carriers)
    for (const layer of which === "every" ? layersOf(pair, site) : layersOf(pair, site).slice(-1))
      allRestored(await patch(pair, [{ site, layer }]), pair, `${pair.mode} ${site} ${layer}`);
  allRestored(await patch(text, [{ site: "text.resid_pre", layer: 0 }]), text, "text.resid_pre 0");
  allRestored(await patch(image, [{ site: "vision.resid_pre", layer: 0 }]), image, "vision.resid_pre 0");
});

test("all that cross-attention brings from the picture restores the clean answer", async () => {
  using pair = await samplePair(blip, "image");
  const everywhere = (site: Site): Selection[] => layersOf(pair, site).map((layer) => ({ site, layer }));
  for (const site of ["text.cross.z", "text.cross.out"] as const)
    allRestored(await patch(pair, everywhere(site)), pair, site);
  allRestored(await patch(pair, [...everywhere("text.cross.k"), ...everywhere("text.cross.v")]), pair, "k and v");
  // Head by head and token by token is the same as all at once.
  const indices = (count: number) => Array.from({ length: count }, (_, i) => i);
  const piecewise = everywhere("text.cross.z").flatMap((selection) =>
    indices(4).flatMap((head) => indices(9).map((position) => ({ ...selection, head, position }) as Selection)),
  );
  allRestored(await patch(pair, piecewise), pair, "piecewise");
});

test("what no corruption reaches restores nothing", async () => {
  using text = await samplePair(blip, "text");
  using image = await samplePair(blip, "image");
  for (const [pair, site] of [
    [text, "vision.resid_post"],
    [text, "text.cross.k"],
    [image, "text.self.z"],
    [image, "text.resid_pre"],
  ] as const) {
    const { logitDiff, effect } = await patch(pair, [{ site, layer: 0 }]);
    close(logitDiff, 0, 1e-6, site);
    close(effect!, 0, 1e-6, site);
  }
});

test("noise is denoise with clean and corrupted exchanged", async () => {
  using image = await samplePair(blip, "image");
  using turnedImage = await samplePair(blip, "image", { image: CORRUPT_IMAGE, corruptImage: CLEAN_IMAGE });
  using text = await samplePair(blip, "text");
  using turnedText = await samplePair(blip, "text", { question: CORRUPT_QUESTION, corruptQuestion: CLEAN_QUESTION });
  const selections: Selection[] = [
    { site: "text.cross.z", layer: 1, head: 2, position: 3 },
    { site: "text.self.pattern", layer: 1, head: [0, 3], position: [1, 5] },
    { site: "vision.mlp.post", layer: 2, position: [0, 7] },
    { site: "decoder.cross.v", layer: 0 },
  ];
  for (const [pair, turned] of [
    [image, turnedImage],
    [text, turnedText],
  ] as const)
    for (const selection of selections) {
      const noise = await patch(pair, [selection], { direction: "noise" });
      const denoise = await patch(turned, [selection], { direction: "denoise" });
      for (const metric of METRICS) close(noise[metric]!, denoise[metric]!, 1e-6, `${selection.site} ${metric}`);
    }
});

test("1,000 patches leave no tensor behind, nor do pair and model", async () => {
  const before = tf.memory().numTensors;
  {
    using mine = await loadBlip(NARROW);
    const loaded = tf.memory().numTensors;
    for (const mode of ["image", "text"] as const) {
      using pair = await samplePair(mine, mode);
      const paired = tf.memory().numTensors;
      let patches = 0;
      const onProgress = (done: number, total: number) => {
        if (done === total) patches += total;
      };
      for (const direction of ["denoise", "noise"] as const) {
        for (const site of ["text.cross.z", "text.self.pattern"] as const)
          await sweep(pair, { site, direction, onProgress });
        for (let i = 0; i < 106; i++, patches++)
          await patchHead(pair, { site: "text.cross.z", layer: i % 2, head: i % 4, position: i % 9 }, { direction });
      }
      assert.is(patches, 500);
      assert.is(tf.memory().numTensors, paired, `${mode}: patches`);
    }
    assert.is(tf.memory().numTensors, loaded, "pair");
  }
  assert.is(tf.memory().numTensors, before, "model");
});

test("values that are read are the caller's, and no more than these", async () => {
  using pair = await samplePair(blip, "image");
  const before = tf.memory().numTensors;
  for (const site of SITES) pair.clean.at(site, { layer: 0 }).dispose();
  assert.is(tf.memory().numTensors, before);
});

/** A pair that is refused, leaving no tensor behind. */
async function refusedPair(input: object, code: "tokens" | "options" | "image", ...parts: (string | RegExp)[]) {
  const before = tf.memory().numTensors;
  const sample = { image: CLEAN_IMAGE, corruptImage: CORRUPT_IMAGE, question: CLEAN_QUESTION, answers: ANSWERS };
  await refused(() => blip.pair({ ...sample, ...input } as PairInput), code, ...parts);
  assert.is(tf.memory().numTensors, before, "tensors are left behind");
}

test("questions of unequal length: both tokenisations are shown", async () => {
  await refusedPair(
    { corruptImage: undefined, corruptQuestion: "is it green or blue?" },
    "tokens",
    '9 in "[CLS] is it red or stri ##ped ? [SEP]"',
    '8 in "[CLS] is it green or blue ? [SEP]"',
  );
});

test("a question past the position table", async () => {
  const question = "is it red ".repeat(8);
  await refusedPair({ question }, "tokens", "is it red is it red", "26 tokens", "at most 24");
  await refusedPair({ corruptImage: undefined, corruptQuestion: question }, "tokens", "26 tokens", "at most 24");
  await refusedPair({ question: "a".repeat(20_000) }, "tokens", "20000 characters");
});

test("answers that cannot be told apart, or are no words", async () => {
  await refusedPair({ answers: ["spotted", "spotless"] }, "tokens", '"spotted"', '"spotless"', 'word piece "spot"');
  await refusedPair({ answers: ["red", "RED"] }, "tokens", '"red"', '"RED"');
  await refusedPair({ answers: ["zebra", "red"] }, "tokens", '"zebra" is not in the vocabulary', "[UNK]");
  await refusedPair({ answers: ["red", ""] }, "tokens", 'answer "" is empty');
});

test("one modality is corrupted, not both, not none", async () => {
  await refusedPair({ corruptQuestion: CORRUPT_QUESTION }, "options", "exactly one");
  await refusedPair({ corruptImage: undefined }, "options", "exactly one");
});

test("a picture that is not there", async () => {
  await refusedPair({ image: "nowhere.png" }, "image", "nowhere.png");
  await refusedPair({ corruptImage: "nowhere.png" }, "image", "nowhere.png");
});

test("layers, heads and positions that do not exist", async () => {
  using pair = await samplePair(blip, "image");
  const before = tf.memory().numTensors;
  const at = (selection: object) => () => patch(pair, [{ site: "text.cross.z", layer: 0, ...selection } as Selection]);
  for (const layer of [2, -1, 0.5, Number.NaN, "1", undefined])
    await refused(
      at({ layer }),
      "site",
      `no layer ${typeof layer === "string" ? '"1"' : layer} in the text tower: it has 2, 0 to 1`,
    );
  for (const head of [4, -1, 1.5])
    await refused(at({ head }), "site", `no head ${head} in the text tower: it has 4, 0 to 3`);
  await refused(at({ site: "vision.self.z", head: 2 }), "site", "no head 2 in the vision tower: it has 2");
  for (const position of [9, -1, 0.5, [0, 9], "9"])
    await refused(
      at({ position }),
      "site",
      /no position (9|-1|0.5) in the question "\[CLS\] is it red/,
      "it has 9, 0 to 8",
    );
  await refused(at({ site: "vision.resid_post", position: 17 }), "site", "no position 17", "it has 17, 0 to 16");
  await refused(at({ site: "decoder.resid_post", position: 1 }), "site", "no position 1", "it has 1, 0 to 0");
  assert.is((await patch(pair, [{ site: "vision.resid_post", layer: 2, position: 16 }])).prob > 0, true);
  for (const options of [{ layers: [0, 2] }, { heads: [4] }, { position: 9 }])
    await refused(() => sweep(pair, { site: "text.cross.z", ...options }), "site", "There is no");
  assert.is(tf.memory().numTensors, before);
});

test("an unknown site, with the nearest one", async () => {
  using pair = await samplePair(blip, "image");
  for (const [site, nearest] of [
    ["text.crss.z", "text.cross.z"],
    ["text.cross_z", "text.cross.z"],
    ["decoder.resid", "decoder.resid_pre"],
    ["vision.self.attn", "vision.self.pattern"],
  ])
    await refused(() => patch(pair, [{ site: site as Site, layer: 0 }]), "site", `"${site}". Did you mean ${nearest}?`);
  for (const site of ["", "toString", "x".repeat(100_000), undefined, "text.cross.z "])
    await refused(() => sweep(pair, { site: site as Site }), "site", "There is no site", /Did you mean \w+\.[\w.]+\?/);
});

test("a head of a site without heads", async () => {
  using pair = await samplePair(blip, "image");
  for (const site of SITES.filter((site) => !siteOf(site).perHead))
    await refused(() => patch(pair, [{ site, layer: 0, head: 0 } as Selection]), "site", `${site} has no heads`);
  await refused(
    () => sweep(pair, { site: "text.mlp.out", heads: [0] } as unknown as SweepOptions),
    "site",
    "text.mlp.out has no heads",
  );
});

test("words that are not there, and empty sets", async () => {
  using pair = await samplePair(blip, "image");
  const z = { site: "text.cross.z", layer: 0 } as const;
  await refused(
    () => patch(pair, [{ ...z, position: "blue" }]),
    "tokens",
    '"blue" (blue) is not in "Is it red or striped?"',
  );
  await refused(() => patch(pair, [{ ...z, position: "zebra" }]), "tokens", '"zebra" is not in the vocabulary');
  await refused(() => patch(pair, [{ ...z, position: "" }]), "tokens", "empty");
  using other = await samplePair(blip, "image", { answers: ["blue", "red"] });
  await refused(() => patch(other, [{ ...z, position: "answer" }]), "tokens", '"blue"', "Is it red or striped?");
  await refused(() => patch(pair, []), "options", "Nothing is selected");
  await refused(() => patch(pair, [{ ...z, position: [] }]), "site", "empty set of positions");
  await refused(() => patch(pair, [{ ...z, head: [] }]), "site", "empty set of heads");
  for (const empty of [{ layers: [] }, { heads: [] }])
    await refused(() => sweep(pair, { site: z.site, ...empty }), "options", "empty set");
});

test("identical pictures: no effect is defined, the other scores are", async () => {
  using pair = await samplePair(blip, "image", { corruptImage: CLEAN_IMAGE });
  const scores = await sweep(pair, { site: "text.cross.z" });
  assert.is(scores.degenerate, true);
  const { metrics, clean, corrupted } = JSON.parse(JSON.stringify(scores)) as {
    metrics: Record<string, (number | null)[][][]>;
    clean: object;
    corrupted: object;
  };
  assert.equal(clean, corrupted);
  assert.ok(metrics.effect!.flat(2).every((value) => value === null));
  for (const metric of ["prob", "probDiff", "logitDiff"])
    assert.ok(metrics[metric]!.flat(2).every(Number.isFinite), metric);
});

test.run();
