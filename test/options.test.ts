import { test } from "uvu";
import * as assert from "uvu/assert";
import * as browser from "../src/browser.js";
import { writeScenes } from "../src/data/scenes/write.js";
import * as display from "../src/display.js";
import { Executor } from "../src/executors/executor.js";
import { Pool } from "../src/executors/processes.js";
import * as figures from "../src/figures.js";
import * as core from "../src/index.js";
import * as pools from "../src/pool.js";
import * as studies from "../src/study.js";
import { NARROW, samplePair } from "./support/samples.js";

// Whatever takes an object or a list refuses anything else in its place by an error of ours. Of a function a row has
// the arguments, and which of them are such; whoever exports another function adds a row.

const blip = await core.loadBlip(NARROW);
const pair = await samplePair(blip, "image");
const scores = await core.sweep(pair, { site: "text.resid_post" });
// Neither gets so far as to ask it for anything.
const pool = Object.create(Pool.prototype);
const run = Object.create(studies.StudyRun.prototype);

const picture = { width: 1, height: 1, data: new Uint8Array(3) };
const spots = [{ site: "text.cross.z", layer: 0 }];

type Row = readonly [args: readonly unknown[], objects: readonly number[], self?: unknown];

const ROWS: Record<string, Row> = {
  ablate: [[pair, spots], [0]],
  answerAttention: [[pair.clean, 3], [0]],
  agreement: [[scores, scores, {}], [2]],
  attribute: [
    [pair, {}],
    [0, 1],
  ],
  attributeAll: [
    [pair, ["text.cross.z"], {}],
    [0, 2],
  ],
  backPatching: [
    [pair, { site: "text.resid_post" }, {}],
    [0, 1, 2],
  ],
  changed: [[(value: unknown) => value], [0]],
  compareRuns: [[[]], [0]],
  directAttribution: [
    [pair.clean, pair.answers],
    [0, 1],
  ],
  drawOverlay: [
    [picture, [[1]], {}],
    [0, 1, 2],
  ],
  edit: [
    ["text.resid_post", { layer: 0 }, (value: unknown) => value],
    [1, 2],
  ],
  encodePng: [[picture], [0]],
  evidenceOf: [
    [[pair], {}],
    [0, 1],
  ],
  exportRules: [[run, "rules.csv", "csv"], []],
  exportScores: [[run, "scores.csv", "csv"], []],
  faithfulness: [
    [pair, [], {}],
    [0, 2],
  ],
  faithfulnessCurve: [
    [pair, [], {}],
    [0, 2],
  ],
  findCircuit: [
    [[], {}],
    [0, 1],
  ],
  gaussianNoise: [
    [new Float32Array(3), { sigma: 1, seed: 1 }],
    [0, 1],
  ],
  gradients: [
    [pair.clean, core.probability(pair.answers.correct), "text.cross.z"],
    [0, 1],
  ],
  hasPath: [
    [pair, spots[0], { site: "text.self.q", layer: 1 }, {}],
    [0, 1, 2, 3],
  ],
  headEffects: [[pair, {}], [1]],
  headMapPng: [[{}], [0]],
  headMapSpec: [[{}], [0]],
  headMapSvg: [[{}], [0]],
  logitDifference: [[pair.answers], [0]],
  layerWindow: [
    ["text.cross.z", [0, 1], {}],
    [1, 2],
  ],
  loadBlip: [
    [NARROW, {}],
    [0, 1],
  ],
  loadModel: [
    [NARROW, {}],
    [0, 1],
  ],
  mergeRuns: [["merged", []], [1]],
  openPool: [[NARROW, {}], [1]],
  openQueue: [["redis://127.0.0.1:1", NARROW, {}], [2]],
  overlay: [
    [pair, { layer: 0, head: 0 }],
    [0, 1],
  ],
  patch: [
    [pair, spots, {}],
    [0, 2],
  ],
  patchHead: [
    [pair, { ...spots[0], head: 0 }, {}],
    [0, 1, 2],
  ],
  patchMetrics: [
    [pair, spots, {}, {}],
    [0, 3],
  ],
  patchPath: [
    [pair, [], [], {}],
    [0, 3],
  ],
  probability: [[pair.answers.correct], [0]],
  openWorker: [["weights/scenes", {}], [1]],
  mount: [
    [new Map(), () => null, {}],
    [0, 1],
  ],
  pictureUrl: [[picture], [0]],
  rank: [[pair.answers.correct], [0]],
  rankHeads: [
    [pair, {}],
    [0, 1],
  ],
  runStages: [[run, [], {}], [2]],
  scoreMap: [
    [scores, {}],
    [0, 1],
  ],
  serveQueue: [["redis://127.0.0.1:1", {}], [1]],
  show: [
    [scores, {}],
    [0, 1],
  ],
  sweep: [
    [pair, { site: "text.cross.z" }],
    [0, 1],
  ],
  sweepTogether: [[[pair], { site: "text.cross.z" }], [1]],
  universality: [[[]], [0]],
  writeReport: [
    [{}, "report", {}],
    [0, 2],
  ],
  writeScenes: [["scenes", { count: 1, seed: 1 }], [1]],
  knockOut: [
    [pair, { site: "text.cross.pattern", from: 1, to: 2 }],
    [0, 1],
  ],
  sweepKnockOut: [
    [pair, { site: "text.cross.pattern", from: 1, to: 2 }, {}],
    [0, 1, 2],
  ],
  logitLens: [
    [pair.clean, pair.answers, {}],
    [0, 1, 2],
  ],
  singularValues: [[blip.headWeights("text.cross.z", { layer: 0, head: 0 }), "OV"], [0]],
  sweepGroups: [
    [pair, { site: "text.resid_post", groups: { all: "all" } }, {}],
    [0, 1, 2],
  ],
  noiseAttention: [
    [pair, {}],
    [0, 1],
  ],
  controlledKnockOut: [
    [pair, { site: "text.cross.pattern", from: "all", to: [1] }, {}],
    [0, 1, 2],
  ],
  sweepControlled: [
    [pair, { site: "text.cross.pattern", from: "all", to: [1] }, {}],
    [0, 1, 2],
  ],
  shuffledPairs: [
    [[], {}],
    [0, 1],
  ],
  swappedLabels: [
    [[[1]], {}],
    [0, 1],
  ],
  tokenGroups: [
    [pair, { site: "vision.resid_post" }],
    [0, 1],
  ],
  "Model.answer": [["red"], []],
  "Model.answerBatch": [[null, ["is it red?"]], [0], blip],
  "Model.ask": [[{}, {}], [0, 1], blip],
  "Model.headWeights": [["text.cross.z", { layer: 0, head: 0 }], [1], blip],
  "Model.is": [["blip-vqa"], []],
  "Model.pair": [[{}], [0], blip],
  "Model.pixels": [[picture], [0], blip],
  "Model.question": [["is it red?"], []],
  "Model.run": [[{}], [0], blip],
  "Model.unembed": [[pair.clean.logits], [0], blip],
  findBy: [["greedy", {}], [1]],
  imagePlaces: [[blip, { width: 8, height: 8 }], [1]],
  "Model.tokensIn": [[[0, 0, 8, 8], picture], [0, 1], blip],
  "Model.tokensUnder": [[picture], [0], blip],
  "Executor.ask": [[[], {}], [1], pool],
  "Executor.perform": [["headEffects", [], {}], [2], pool],
  "Executor.sweep": [[[], { site: "text.cross.z" }, {}], [1, 2], pool],
  "StudyRun.open": [["run", {}], [1]],
  "StudyRun.reopen": [["run", {}], [1]],
};

/** Components; and what takes no object or list but values of ours, such as runs, or results of another function. */
const OTHERS =
  /^(AnswerBars|CircuitCard|HeadMap|Legend|PictureOverlay|TokenStrip|between|circuitSites|currentBackend|decodePicture|divergence|everyHead|fromLayer|fromRun|gatherReport|inProcess|meanOf|openDataset|readCircuits|readFindings|readPublished|readSettings|sitesOf|summarise|terminalOf|useBackend|zero|Pool\.performOne|StudyRun\.(path|provenance|settle|stored))$/;
const CLASSES = [core.Model, Executor, Pool, studies.StudyRun] as const;

const exported = new Map<string, unknown>(
  Object.entries({ ...core, ...browser, ...display, ...figures, ...pools, ...studies, writeScenes }).filter(
    ([, value]) => typeof value === "function" && !/^class\b/.test(String(value)),
  ),
);
for (const one of CLASSES)
  for (const from of [one, one.prototype])
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(from)))
      if (typeof value === "function" && value.length > 0 && name !== "constructor")
        exported.set(`${one.name}.${name}`, value);

test("every function that is exported has a row", () => {
  assert.equal(
    [...exported.keys()].filter((name) => !(name in ROWS) && !OTHERS.test(name)),
    [],
  );
});

/** What a function says of these arguments. */
async function thrownBy(name: string, args: readonly unknown[], self: unknown): Promise<unknown> {
  try {
    const result = Reflect.apply(exported.get(name) as () => AsyncGenerator, self, args);
    await (name.startsWith("Executor.") && "next" in result ? result.next() : result);
  } catch (error) {
    return error;
  }
  return undefined;
}

/**
 * A value, whose other fields are nobody's business: a picture, a token, a map, weights, what a report shows. Of a
 * pool's sweeps the processes say what is wrong, with each pair.
 */
const DATA =
  /^((drawOverlay|encodePng|headMap(Png|Spec|Svg)|Model\.(pixels|tokensUnder|unembed)|writeReport) 0|(imagePlaces|Model\.tokensIn|Executor\.sweep|directAttribution|logitLens|findBy) 1|(pictureUrl|probability|rank|logitDifference|singularValues|scoreMap) 0)$/;

for (const [name, [args, objects, self]] of Object.entries(ROWS))
  for (const at of objects) {
    for (const given of [null, "text", Promise.resolve({})])
      test(`${given} in place ${at} of ${name}`, async () => {
        const thrown = await thrownBy(name, args.with(at, given), self);
        assert.instance(thrown, core.NoticeError, `it ends in ${thrown}`);
      });
    if (args[at]?.constructor !== Object || DATA.test(`${name} ${at}`)) continue;
    test(`a key that nobody reads in place ${at} of ${name}`, async () => {
      const thrown = await thrownBy(name, args.with(at, { ...(args[at] as object), zzz: 1 }), self);
      assert.instance(thrown, core.NoticeError, `it ends in ${thrown}`);
      assert.match((thrown as Error).message, "zzz");
    });
  }

test.run();
