import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadBlip } from "../../src/patching/load-model.js";
import { METRICS } from "../../src/patching/metrics.js";
import type { Blip } from "../../src/patching/model.js";
import { patch, patchHead } from "../../src/patching/patch.js";
import { type Nested, Scores, type ScoresJson } from "../../src/patching/scores.js";
import { SITES } from "../../src/patching/sites.js";
import { type SweepOptions, sweep } from "../../src/patching/sweep.js";
import { siteOf } from "../support/blip-vqa.js";
import { refused } from "../support/refused.js";
import { NARROW, samplePair } from "../support/samples.js";

let blip: Blip;

test.before(async () => {
  blip = await loadBlip(NARROW);
});

/** The results contract, as a script reads it. */
interface Results {
  tokens: string[];
  axes: string[];
  shape: number[];
  clean: { prob: number; logitDiff: number };
  corrupted: { prob: number; logitDiff: number };
  metrics: Record<string, Nested>;
}

async function swept(
  options: SweepOptions,
  mode: "image" | "text" = "image",
): Promise<{ scores: Scores; json: Results }> {
  using pair = await samplePair(blip, mode);
  const scores = await sweep(pair, options);
  return { scores, json: JSON.parse(JSON.stringify(scores)) };
}

/** Lengths from the outside in; -1 where rows differ. */
function shapeOf(nested: Nested): number[] {
  if (!Array.isArray(nested)) return [];
  const inner = nested.map(shapeOf);
  return [nested.length, ...(inner.every((shape) => `${shape}` === `${inner[0]}`) ? inner[0]! : [-1])];
}

function leaves(nested: Nested): (number | null)[] {
  return Array.isArray(nested) ? nested.flatMap(leaves) : [nested as number | null];
}

test("the results contract, key by key", async () => {
  const { json } = await swept({ site: "text.cross.z" });
  const { clean, corrupted, metrics, ...facts } = json;
  assert.equal(facts, {
    model: NARROW,
    direction: "denoise",
    mode: "image",
    site: "text.cross.z",
    tokens: ["[CLS]", "is", "it", "red", "or", "stri", "##ped", "?", "[SEP]"],
    answers: { correct: { text: "red", id: 30, token: "red" }, incorrect: { text: "striped", id: 61, token: "stri" } },
    axes: ["layer", "head", "token"],
    shape: [2, 4, 9],
  });
  assert.equal(Object.keys(json), [
    ...["model", "direction", "mode", "site", "tokens", "answers", "clean", "corrupted", "axes", "shape", "metrics"],
  ]);
  for (const reading of [clean, corrupted]) {
    assert.equal(Object.keys(reading), ["prob", "logitDiff"]);
    assert.ok(reading.prob > 0 && reading.prob < 1 && Number.isFinite(reading.logitDiff));
  }
  assert.equal(Object.keys(metrics), ["prob", "probDiff", "logitDiff", "effect"]);
  for (const table of Object.values(metrics)) {
    assert.equal(shapeOf(table), [2, 4, 9]);
    assert.ok(leaves(table).every(Number.isFinite));
  }
});

test("the scores of a cell follow from its two readings", async () => {
  const { scores } = await swept({ site: "text.cross.z", direction: "noise" }, "text");
  const { clean, corrupted } = scores.facts;
  for (const index of [
    [0, 0, 0],
    [1, 3, 8],
    [1, 0, 3],
  ]) {
    const [prob, probDiff, logitDiff, effect] = METRICS.map((metric) => scores.at(metric, ...index)!) as [
      number,
      number,
      number,
      number,
    ];
    assert.ok(Math.abs(probDiff - (prob - clean.prob)) < 1e-12);
    assert.ok(Math.abs(effect * (corrupted.logitDiff - clean.logitDiff) - logitDiff) < 1e-12);
  }
});

test("a cell is the patch at its place", async () => {
  using pair = await samplePair(blip, "image");
  const heads = await sweep(pair, { site: "text.cross.z" });
  const rows = await sweep(pair, { site: "text.mlp.out", direction: "noise" });
  for (const [layer, head, position] of [
    [0, 0, 0],
    [0, 3, 8],
    [1, 2, 3],
  ] as const) {
    const one = await patchHead(pair, { site: "text.cross.z", layer, head, position });
    const row = await patch(pair, [{ site: "text.mlp.out", layer, position }], { direction: "noise" });
    for (const metric of METRICS) {
      assert.ok(Math.abs(heads.at(metric, layer, head, position)! - one[metric]!) <= 1e-5, metric);
      assert.ok(Math.abs(rows.at(metric, layer, position)! - row[metric]!) <= 1e-5, metric);
    }
  }
});

test("axes, shape and tokens agree at every site", async () => {
  using pair = await samplePair(blip, "image");
  for (const site of SITES.filter((site) => /resid_post|pattern|cross\.k/.test(site)))
    for (const together of [true, false]) {
      const { axes, shape, tokens } = (await sweep(pair, { site, together, layers: [0], position: 0 })).facts;
      const { perHead, tower, tokensOf } = siteOf(site);
      const heads = tower === "vision" ? 2 : 4;
      const count = { vision: 17, text: 9, decoder: 1 }[tokensOf];
      assert.equal(axes, ["layer", ...(perHead ? ["head"] : []), ...(together ? [] : ["token"])], site);
      assert.equal(
        shape,
        [tower === "vision" ? 3 : 2, ...(perHead ? [heads] : []), ...(together ? [] : [count])],
        site,
      );
      assert.is(tokens.length, together ? 9 : count, site);
      if (!together && tokensOf === "vision")
        assert.equal([...tokens.slice(0, 3), tokens.at(-1)], ["[CLS]", "0,0", "0,1", "3,3"]);
      if (!together && tokensOf === "decoder") assert.equal(tokens, ["[DEC]"]);
    }
});

test("what layers, heads and position leave out is null", async () => {
  const { json } = await swept({ site: "text.cross.z", layers: [1], heads: [0, 2], position: "striped" });
  for (const metric of METRICS) {
    const table = json.metrics[metric] as (number | null)[][][];
    assert.equal(shapeOf(table), [2, 4, 9]);
    table.forEach((layer, l) => {
      layer.forEach((head, h) => {
        head.forEach((value, t) => {
          const patched = l === 1 && (h === 0 || h === 2) && (t === 5 || t === 6);
          assert.is(typeof value === "number", patched, `${metric} ${l} ${h} ${t}: ${value}`);
        });
      });
    });
  }
});

test("patching positions together leaves the token axis out", async () => {
  const { scores, json } = await swept({ site: "text.cross.z", position: [3, 5], together: true });
  assert.equal(json.axes, ["layer", "head"]);
  assert.equal(shapeOf(json.metrics.effect!), [2, 4]);
  using pair = await samplePair(blip, "image");
  const one = await patchHead(pair, { site: "text.cross.z", layer: 1, head: 2, position: [3, 5] });
  assert.ok(Math.abs(scores.at("effect", 1, 2)! - one.effect!) <= 1e-5);
  const vision = await swept({ site: "vision.resid_post" });
  assert.equal(vision.json.axes, ["layer"]);
  assert.equal(shapeOf(vision.json.metrics.prob!), [3]);
});

test("an index outside the table, or with another number of axes", async () => {
  const { scores } = await swept({ site: "text.resid_post", position: 0 });
  assert.type(scores.at("prob", 1, 0), "number");
  for (const index of [[2, 0], [0, 9], [-1, 0], [0.5, 0], [Number.NaN, 0], [0], [], [0, 0, 0]])
    await refused(() => scores.at("prob", ...index), "site", `[${index}]`, "[2,9]", "layer, token");
});

test("a table goes through JSON and back", async () => {
  for (const options of [
    { site: "text.resid_post", layers: [1] },
    { site: "text.cross.z", together: true },
  ] as const) {
    const { scores } = await swept(options);
    const again = Scores.from(JSON.parse(JSON.stringify(scores)));
    assert.equal(again.toJSON(), scores.toJSON());
    for (let token = 0; token < scores.facts.shape[1]!; token++)
      assert.is(again.at("prob", 1, token), scores.at("prob", 1, token));
    const json = scores.toJSON();
    const { prob: _, ...others } = json.metrics;
    for (const metrics of [others, { ...others, prob: [[1, 2]] }, { ...others, prob: [[json.metrics.prob]] }])
      await refused(() => Scores.from({ ...json, metrics } as ScoresJson), "options", "The table of prob");
  }
});

test("a table is a copy", async () => {
  const { scores } = await swept({ site: "vision.resid_post" });
  const before = scores.at("prob", 0);
  (scores.table("prob") as (number | null)[])[0] = 7;
  assert.is(scores.at("prob", 0), before);
});

test("progress counts every patch; an aborted sweep stops", async () => {
  using pair = await samplePair(blip, "image");
  const seen: [number, number][] = [];
  await sweep(pair, { site: "text.cross.z", position: [1, 2], onProgress: (done, total) => seen.push([done, total]) });
  assert.equal(seen.at(-1), [16, 16]);
  assert.ok(seen.every(([done], i) => i === 0 || done > seen[i - 1]![0]));
  const stop = new AbortController();
  const reason = new Error("enough");
  const onProgress = () => stop.abort(reason);
  const error = await sweep(pair, { site: "text.cross.z", onProgress, signal: stop.signal }).catch((error) => error);
  assert.is(error, reason);
});

test.run();
