import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Pool } from "../../src/pool/pool.js";
import { StudyRun } from "../../src/study/run.js";
import { screen } from "../../src/study/screen.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { refused } from "../support/refused.js";

const watch = { begin: () => ({ update() {}, end() {} }), warn() {} };

/** What gradients expect of both samples, [layer][head][token], in logits. */
const HEADS = [
  [
    [
      [0, 0],
      [1, -3],
    ],
    [
      [2, -2],
      [0, 0],
    ],
  ],
  [
    [
      [0, 0],
      [0, 1],
    ],
    [
      [-4, 1],
      [0, 0],
    ],
  ],
];
/** [layer][token] */
const ROWS = [
  [
    [0.5, -1],
    [0.25, 0],
  ],
  [
    [0, 0],
    [0.5, -2],
  ],
];

/** A pool that has these numbers for each sample in turn. */
const pool = {
  backend: "cpu",
  async *study(work: AsyncIterable<{ key: unknown }>) {
    let sample = 0;
    for await (const { key } of work) {
      const attributions = [
        { site: "text.cross.z", axes: ["layer", "head", "token"], metrics: { logitDiff: HEADS[sample] } },
        { site: "text.resid_post", axes: ["layer", "token"], metrics: { logitDiff: ROWS[sample] } },
      ];
      sample++;
      yield { key, result: { pairs: [{ attributions }], attention: null } };
    }
  },
} as unknown as Pool;

test("those are chosen of which gradients expect most at any token, as a mean over samples", async () => {
  const settings = { screen: 3, modalities: ["image" as const], dataset: ["own.csv"] };
  using run = await StudyRun.open(join(temporaryFolder(), "run"), settings);
  const stage = { run, watch, pool: async () => pool };
  await refused(() => screen(stage), "options", "no selected samples yet");
  const question = { question: "is it red or blue?", correct: "red", incorrect: "blue" };
  for (const [ordinal, sample] of ["a", "b"].entries()) {
    const pictures = { image: "a.png", corrupt_image: "b.png" };
    await run.store.insert("samples", [
      { dataset: "own", sample, draw: 0, sample_group: "", ...pictures, ...question },
    ]);
    await run.store.insert("selected", [{ dataset: "own", sample, ordinal }]);
  }
  await screen(stage);
  const rows = await run.store.rows<Record<"sample" | "site" | "layer" | "head" | "size", string>>(
    "SELECT sample, site, layer, head, size FROM expected ORDER BY site, sample, layer, head",
  );
  assert.equal(
    rows.map(({ sample, site, layer, head, size }) => [sample, site, layer, head, size].join(" ")),
    [
      ["a text.cross.z 0 0 0", "a text.cross.z 0 1 3", "a text.cross.z 1 0 2", "a text.cross.z 1 1 0"],
      ["b text.cross.z 0 0 0", "b text.cross.z 0 1 1", "b text.cross.z 1 0 4", "b text.cross.z 1 1 0"],
      ["a text.resid_post 0  1", "a text.resid_post 1  0.25", "b text.resid_post 0  0", "b text.resid_post 1  2"],
    ].flat(),
  );
  // Means 3, 2, 0, 0: of equals those of the first layers.
  const chosen = await run.store.rows<Record<"site" | "layer" | "head", string>>(
    "SELECT site, layer, head FROM chosen ORDER BY site, layer, head",
  );
  assert.equal(
    chosen.map(({ site, layer, head }) => [site, layer, head].join(" ")),
    ["text.cross.z 0 0", "text.cross.z 0 1", "text.cross.z 1 0", "text.resid_post 0 ", "text.resid_post 1 "],
  );
});

test.run();
