import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { mean } from "../../src/base/mean.js";
import {
  controlledKnockOut,
  LabelSwaps,
  noiseAttention,
  shuffledPairs,
  swappedLabels,
  sweepControlled,
} from "../../src/patching/nulls.js";
import { patch } from "../../src/patching/patch.js";
import { indexes } from "../../src/patching/run.js";
import { parseSite } from "../../src/patching/sites.js";
import { sweep } from "../../src/patching/sweep.js";
import { plant, plantIn } from "../support/planted.js";
import { refused } from "../support/refused.js";

test("noise attention has the same weights in each row, in other places that the row may attend to", async () => {
  for (const [className, site] of [
    ["BlipForQuestionAnswering", "text.cross.pattern"],
    ["LlavaForConditionalGeneration", "text.self.pattern"],
  ] as const) {
    using planted = await plantIn(className, "sequence", 0.1);
    const { pair } = planted;
    const clean = pair.clean.at(site, { layer: 2 });
    const noise = tf.tidy(() =>
      tf.squeeze(noiseAttention(pair, { seed: 3 })(parseSite(pair.model, site), 2, clean), [0]),
    );
    const [rows, drawn] = [await tf.reshape(clean, [-1, clean.shape[2]!]).array(), await noise.array()] as [
      number[][],
      number[][][],
    ];
    const sorted = (row: readonly number[]) => [...row].sort((a, b) => a - b);
    const queries = clean.shape[1]!;
    let moved = 0;
    for (const [at, row] of drawn.flat().entries()) {
      assert.equal(sorted(row), sorted(rows[at]!));
      if (`${row}` !== `${rows[at]}`) moved++;
      // Nothing of a causal row goes to a later token.
      if (className !== "BlipForQuestionAnswering")
        assert.ok(
          row.slice((at % queries) + 1).every((weight) => weight === 0),
          `row ${at}`,
        );
    }
    assert.ok(moved >= drawn.flat().length / 3, `${moved} rows of ${drawn.flat().length} moved`);
    tf.dispose([clean, noise]);
  }
});

test("a head that looks nowhere in particular does as much with noise; one that looks where the question says does half", async () => {
  const site = "text.cross.pattern" as const;
  using planted = await plant("asked");
  const [head] = planted.heads;
  using pair = await planted.makePair(1, "text");
  const place = { site, layer: head!.layer, head: head!.head };
  assert.ok(Math.abs((await patch(pair, [place])).effect! - 1) < 1e-4);
  const effects: number[] = [];
  for (let seed = 0; seed < 300; seed++)
    effects.push((await patch(pair, [place], { source: noiseAttention(pair, { seed }) })).effect!);
  // Contents add up to nothing: on the average noise brings nothing of either answer, which is half of the way.
  assert.ok(Math.abs(mean(effects) - 0.5) < 0.06, `${mean(effects)}`);
  using even = await plant("single");
  const source = noiseAttention(even.pair);
  const noise = await sweep(even.pair, { site, together: true, source });
  assert.ok(Math.abs(noise.at("effect", 1, 2)!) < 1e-5, "what it looks at differs, not where");
  await refused(() => sweep(even.pair, { site: "text.cross.z", source }), "site", "no value for text.cross.z");
});

test("shuffled pairs have each corrupt picture once, none its own, and all else as it was", async () => {
  const pairs = Array.from({ length: 7 }, (_, at) => ({
    image: `${at}.png`,
    corruptImage: `${at}-corrupt.png`,
    question: `question ${at}`,
  }));
  for (const seed of [0, 1, 2]) {
    const shuffled = shuffledPairs(pairs, { seed });
    assert.equal(
      shuffled.map(({ image, question }) => [image, question]),
      pairs.map(({ image, question }) => [image, question]),
    );
    assert.equal(
      shuffled.map(({ corruptImage }) => corruptImage).sort(),
      pairs.map(({ corruptImage }) => corruptImage),
    );
    assert.ok(shuffled.every(({ corruptImage }, at) => corruptImage !== pairs[at]!.corruptImage));
  }
  assert.not.equal(shuffledPairs(pairs, { seed: 0 }), shuffledPairs(pairs, { seed: 1 }));
  await refused(async () => shuffledPairs(pairs.slice(1, 2)), "options", "two pairs");
});

test("with exchanged labels a mean is as large as that of coins", async () => {
  // 64 coins: 2 standard deviations are 2 / 8; the largest of two equal columns is no larger.
  const rows = Array.from({ length: 64 }, () => [1, 1, 0]);
  const found = swappedLabels(rows, { draws: 4000 });
  assert.ok(Math.abs(found.each[0]! - 0.25) <= 0.011, `${found.each[0]}`);
  assert.equal([found.each[2], found.largest], [0, found.each[0]]);
  // Of 1, 1: the mean is 1 or 0, by halves.
  assert.is(swappedLabels([[1], [1]], { share: 0.4 }).each[0], 0);
  assert.is(swappedLabels([[1], [1]], { share: 0.6 }).each[0], 1);
  await refused(async () => swappedLabels([[1], [1, 2]]), "options", "as many heads");
  await refused(async () => swappedLabels([]), "options", "one row");
  for (const given of [{ draws: 0 }, { draws: 2.5 }, { share: 0 }, { share: 1 }])
    await refused(async () => new LabelSwaps(given), "options", "a count to 1000000 and a share were expected");
});

test("a cut to what a head reads loses what it moves, and random cuts of as many patches less", async () => {
  // The head averages [CLS] and four patches, of which the first has the signal.
  using planted = await plant("single");
  const [head] = planted.heads;
  const cut = {
    site: "text.cross.pattern",
    from: "all",
    layers: [head!.layer, head!.layer],
    head: head!.head,
  } as const;
  const read = await controlledKnockOut(planted.pair, { ...cut, to: [1] }, { randomSets: 40 });
  assert.ok(Math.abs(read.effect! - 0.5) < 1e-4, "nothing of either answer is half of the way");
  const same = read.random.filter((one) => Math.abs(one! - 0.5) < 1e-4).length;
  assert.ok(same >= 4 && same <= 16, `one of four patches: ${same} of 40`);
  assert.is(read.pValue, (same + 1) / 41);
  const others = read.random.filter((one) => Math.abs(one! - 0.5) >= 1e-4);
  assert.ok(
    others.every((one) => one! < 0),
    "without another patch the signal is a larger part",
  );
  const unread = await controlledKnockOut(planted.pair, { ...cut, to: [3] }, { randomSets: 40 });
  assert.is(unread.pValue, 1);
});

test("a sweep of cuts has the loss, and random cuts' beside it, only where the head reads", async () => {
  using planted = await plant("single");
  const [head] = planted.heads;
  const cut = { site: "text.cross.pattern", from: "all", head: head!.head } as const;
  const swept = await sweepControlled(planted.pair, { ...cut, to: [1] }, { randomSets: 40 });
  for (const layer of indexes(swept.facts.shape[0]!)) {
    const { effect, random, pValue } = await controlledKnockOut(
      planted.pair,
      { ...cut, layers: [layer, layer], to: [1] },
      { randomSets: 40 },
    );
    assert.ok(Math.abs(swept.at("effect", layer)! - effect!) < 1e-6, `effect of layer ${layer}`);
    assert.ok(Math.abs(swept.at("random", layer)! - mean(random as number[])) < 1e-6, `random of layer ${layer}`);
    assert.is(swept.at("pValue", layer), pValue);
    if (layer === head!.layer) continue;
    // Elsewhere that head does nothing, whatever it sees.
    for (const name of ["effect", "random"] as const)
      assert.ok(Math.abs(swept.at(name, layer)!) < 1e-5, `${name} of layer ${layer}`);
  }
  assert.ok(Math.abs(swept.at("effect", head!.layer)! - 0.5) < 1e-4);
  for (const randomSets of [-1, 0.5, 1e9])
    await refused(() => sweepControlled(planted.pair, { ...cut, to: [1] }, { randomSets }), "options", "randomSets is");
});

test.run();
