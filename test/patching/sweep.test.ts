import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { randomModel, randomPair, seeded } from "../../bench/random-model.js";
import { readFloats, readSafetensors } from "../../src/checkpoint/safetensors.js";
import { checkpointFolder } from "../../src/files/folder.js";
import { patchBytes } from "../../src/patching/budget.js";
import { METRICS, type Metric, type Score } from "../../src/patching/metrics.js";
import type { Direction } from "../../src/patching/pair.js";
import { patch } from "../../src/patching/patch.js";
import type { Selection } from "../../src/patching/selection.js";
import { SITES, type Site } from "../../src/patching/sites.js";
import { sweep } from "../../src/patching/sweep.js";
import { useBackend } from "../../src/platform/backend.js";
import { siteOf } from "../support/blip-vqa.js";
import { difference, Fixture, readJson } from "../support/fixture.js";

test.before(async () => {
  await useBackend();
});

/** As `make_models.py` wrote them. */
interface Patch extends Score {
  mode: "image" | "text";
  direction: Direction;
  site: Site;
  layer: number;
  head: number | null;
  positions: number[] | null;
}

/** [DEC] has only itself to attend to: patches here change nothing. */
const ALONE: Site[] = ["decoder.self.q", "decoder.self.k", "decoder.self.pattern"];

for (const name of ["narrow", "wide"]) {
  test(`${name}: score tables equal the NOTICE procedure's`, async () => {
    const fixture = await Fixture.load(name);
    const tables = await readSafetensors((await checkpointFolder(fixture.folder).bytes("scores.safetensors"))!);
    let compared = 0;
    for (const [table, entry] of tables) {
      const [mode, direction, site, metric] = table.split("/") as ["image" | "text", Direction, Site, Metric];
      using pair = await fixture.pair(mode);
      const scores = await sweep(pair, { site, direction });
      const expected = tf.tensor(await readFloats(entry), [...entry.shape]);
      const off = difference(tf.tensor(scores.table(metric) as number[]), expected);
      const scale = metric === "effect" ? Math.max(1, tf.max(tf.abs(expected)).dataSync()[0]!) : 1;
      assert.ok(off <= 1e-4 * scale, `${table} is off by ${off}`);
      compared++;
    }
    assert.is(compared, METRICS.length * (3 * 2 + 1));
  });

  test(`${name}: single patches at every site equal the NOTICE procedure's`, async () => {
    const fixture = await Fixture.load(name);
    const { patches } = readJson<{ patches: Patch[] }>(join(fixture.folder, "scores.json"));
    using image = await fixture.pair("image");
    using text = await fixture.pair("text");
    const moved = new Set<Site>();
    for (const { mode, direction, site, layer, head, positions, ...expected } of patches) {
      const selection = { site, layer, head: head ?? undefined, position: positions ?? "all" };
      const found = await patch({ image, text }[mode], [selection as Selection], { direction });
      if (Math.abs(expected.logitDiff) > 1e-3) moved.add(site);
      for (const metric of METRICS) {
        const off = Math.abs(found[metric]! - expected[metric]!);
        assert.ok(
          off <= 1e-4 * Math.max(1, Math.abs(expected[metric]!)),
          `${mode} ${site} L${layer} ${metric} is off by ${off}`,
        );
      }
    }
    assert.equal(new Set(patches.map(({ site }) => site)), new Set(SITES));
    assert.equal(new Set([...moved, ...ALONE]), new Set(SITES));
  });
}

const SHAPE = { heads: 3, headDim: 5, visionLayers: 1, textLayers: 2, mlp: 11, grid: 2 };
const TOKENS = 5;
const DIFFERING = 2;
const IDLE = 1;

/** The head IDLE of the text encoder's first layer asks nothing: it attends to every token alike. */
function silenceQueries(name: string, values: Float32Array): void {
  const [, kind] = /^text_encoder\.encoder\.layer\.0\.attention\.self\.query\.(weight|bias)$/.exec(name) ?? [];
  const numbers = SHAPE.headDim * (kind === "weight" ? SHAPE.heads * SHAPE.headDim : 1);
  if (kind) values.fill(0, IDLE * numbers, (IDLE + 1) * numbers);
}

// Of heads x tokens (tokens alone for resid_pre): how many places differ, and how many of these matter.
for (const [site, differ, matter] of [
  ["text.resid_pre", 1, 1],
  ["text.self.q", SHAPE.heads - 1, SHAPE.heads - 1],
  ["text.self.k", SHAPE.heads, SHAPE.heads - 1],
  ["text.self.pattern", (SHAPE.heads - 1) * TOKENS, (SHAPE.heads - 1) * TOKENS],
] as const)
  test(`${site}: where one token differs, what differs is patched and nothing else`, async () => {
    const random = seeded(11);
    const model = await randomModel(SHAPE, random, silenceQueries);
    using pair = await randomPair(model, "text", TOKENS, random, DIFFERING);
    const parts = siteOf(site);
    const done: number[] = [];
    const onePatch = {
      memory: patchBytes(model, parts, { tokens: TOKENS }),
      onProgress: (count: number) => done.push(count),
    };
    const scores = await sweep(pair, { site, layers: [0], ...onePatch });
    assert.is(done.length, differ, `passes: ${done}`);
    let moved = 0;
    for (const head of parts.perHead ? [0, 1, 2] : [undefined])
      for (let position = 0; position < TOKENS; position++) {
        const alone = await patch(pair, [{ site, layer: 0, head, position } as Selection]);
        const index = head === undefined ? [0, position] : [0, head, position];
        for (const metric of ["prob", "probDiff", "logitDiff"] as const) {
          const [one, other] = [scores.at(metric, ...index)!, alone[metric]];
          assert.ok(Math.abs(one - other) <= 1e-5, `[${index}] ${metric}: ${one} and ${other}`);
        }
        if (Math.abs(alone.logitDiff) > 1e-4) moved++;
      }
    assert.is(moved, matter);
  });

test.run();
