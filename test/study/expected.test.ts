import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Executor, type Outcome } from "../../src/executors/executor.js";
import type { JobName, Jobs } from "../../src/jobs/jobs.js";
import type { PatchPairsFound } from "../../src/jobs/patch-pairs.js";
import { type Axis, type Nested, Scores } from "../../src/patching/scores.js";
import type { Site } from "../../src/patching/sites.js";
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

function table(site: Site, axes: readonly Axis[], logitDiff: Nested): Scores {
  const shape = axes.length === 3 ? [2, 2, 2] : [2, 2];
  const answer = { text: "", token: "", id: 0 };
  const reading = { prob: 0, logitDiff: 0 };
  const facts = { answers: { correct: answer, incorrect: answer }, clean: reading, corrupted: reading };
  const about = { model: "", direction: "denoise", mode: "image", tokens: [] } as const;
  const other = new Scores({ ...facts, ...about, site, axes, shape });
  return Scores.from({ ...other.toJSON(), metrics: { ...other.toJSON().metrics, logitDiff } });
}

/** Has these numbers for each sample in turn. */
class Planted extends Executor {
  readonly backend = "cpu";
  protected readonly width = 1;
  #sample = 0;

  protected async performOne<Name extends JobName>(name: Name): Promise<Outcome<Jobs[Name]["output"]>> {
    assert.is(name, "patchPairs");
    const attributions = [
      table("text.cross.z", ["layer", "head", "token"], HEADS[this.#sample]!),
      table("text.resid_post", ["layer", "token"], ROWS[this.#sample]!),
    ];
    this.#sample++;
    const found: PatchPairsFound = { pairs: [{ attributions, scores: [], tokens: [] }], looks: [] };
    return { output: found as Jobs[Name]["output"] };
  }

  async close() {}
}

test("those are chosen of which gradients expect most at any token, as a mean over samples", async () => {
  const settings = { screen: 3, modalities: ["image" as const], dataset: ["own.csv"] };
  using run = await StudyRun.open(join(temporaryFolder(), "run"), settings);
  const stage = { run, watch, executor: async () => new Planted() };
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
