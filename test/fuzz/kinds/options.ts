import * as tf from "@tensorflow/tfjs-core";
import type { Random } from "../../../src/base/random.js";
import { gaussianNoise } from "../../../src/corruption/gaussian.js";
import { ablate, layerWindow } from "../../../src/patching/ablate.js";
import { attribute, attributeAll } from "../../../src/patching/attribute.js";
import { findCircuit } from "../../../src/patching/circuits.js";
import { faithfulness, faithfulnessCurve } from "../../../src/patching/faithful.js";
import { headEffects, rankHeads } from "../../../src/patching/head-effects.js";
import { loadBlip } from "../../../src/patching/load-model.js";
import type { Blip } from "../../../src/patching/model.js";
import type { Pair } from "../../../src/patching/pair.js";
import { patch, patchHead, patchMetrics } from "../../../src/patching/patch.js";
import { patchPath } from "../../../src/patching/paths.js";
import { meanOf } from "../../../src/patching/sources.js";
import { sweep, sweepTogether } from "../../../src/patching/sweep.js";
import { encodePng } from "../../../src/pictures/picture.js";
import { ANSWERS, CLEAN_IMAGE, CLEAN_QUESTION, CORRUPT_IMAGE, NARROW, samplePair } from "../../support/samples.js";
import type { Kind } from "../kind.js";
import { anyValue, whole } from "../mutate.js";

// A public function, as JavaScript may call it: with one place in its last argument, most often options, changed.
type Call = readonly [name: string, call: (...given: never[]) => unknown, ...given: unknown[]];

const z = { site: "text.cross.z", layer: 0 } as const;
const asked = { image: CLEAN_IMAGE, question: CLEAN_QUESTION };
const input = { ...asked, corruptImage: CORRUPT_IMAGE, answers: ANSWERS };
const heads = [{ site: "text.cross.z", layer: 0, head: 1 }];
const scores = [
  [
    [0.1, 0.9],
    [0.2, null],
  ],
];

function callsOf(blip: Blip, pair: Pair): Call[] {
  const small = { layers: [0], heads: [0, 1], position: "answer" };
  return [
    ["patchHead", patchHead, pair, { ...z, head: 0, position: "answer" }, { direction: "denoise", source: undefined }],
    ["patch", patch, pair, [{ ...z, head: [0, 1], position: [1, 2] }], { direction: "noise" }],
    ["patchMetrics", patchMetrics, pair, [z], { one: () => tf.zeros([3]) }, { direction: "noise" }],
    ["ablate", ablate, pair, [{ ...z, head: 0 }], meanOf([pair.clean])],
    ["layerWindow", layerWindow, "text.cross.z", [0, 1], { head: 0, position: "answer" }],
    [
      "sweep",
      sweep,
      pair,
      { site: "text.cross.z", ...small, direction: "denoise", screen: 2, together: false, memory: 1e9 },
    ],
    ["sweepTogether", sweepTogether, [pair, pair], { site: "text.cross.z", ...small }],
    ["attribute", attribute, pair, { site: "text.cross.q", ...small, steps: 1, qkFix: true, gradDrop: false }],
    ["attributeAll", attributeAll, pair, ["text.cross.z"], { steps: 1, direction: "noise", memory: 1e9 }],
    [
      "patchPath",
      patchPath,
      pair,
      [{ ...z, head: 0 }],
      ["answer", { site: "text.self.q", layer: 1 }],
      { mediated: true },
    ],
    ["faithfulness", faithfulness, pair, heads, { randomSets: 2, seed: 1, sites: ["text.cross.z"] }],
    ["faithfulnessCurve", faithfulnessCurve, pair, heads, { sizes: [1, 2], sites: ["text.cross.z"] }],
    ["headEffects", headEffects, pair, { memory: 1e9 }],
    ["rankHeads", rankHeads, pair, { memory: 1e9 }],
    ["findCircuit", findCircuit, scores, { seed: 1, resamples: 100, rate: 0.05, patched: [[true, false]] }],
    ["ask", blip.ask.bind(blip), asked, { top: 2 }],
    ["pair", blip.pair.bind(blip), input],
    ["pair noise", blip.pair.bind(blip), { ...input, corruptImage: { noise: { sigma: 1, seed: 1 } } }],
    ["run", blip.run.bind(blip), asked],
    ["tokensUnder", blip.tokensUnder.bind(blip), { width: 2, height: 1, data: new Uint8Array(6) }],
    ["encodePng", encodePng, { width: 2, height: 1, data: new Uint8Array(6) }],
    ["gaussianNoise", gaussianNoise, new Float32Array(6), { sigma: 1, seed: 1 }],
    ["loadBlip", loadBlip, NARROW, { backend: "auto", memory: 1e9, hub: { offline: true, timeoutMs: 100 } }],
  ];
}

/** The options of the library's functions, and pictures and pairs as objects. */
export const options: Kind = {
  name: "options",
  share: 40,
  open: async () => {
    const blip = await loadBlip(NARROW);
    const pair = await samplePair(blip, "image");
    const calls = callsOf(blip, pair);
    return {
      run: async (choose) => {
        const [, call, ...given] = choose.pick(calls);
        const changed = given.slice();
        const at = given.length - 1;
        changed[at] = mutateValue(choose, given[at]);
        dispose(await call(...(changed as never[])));
        return "taken";
      },
      close: async () => {
        pair[Symbol.dispose]();
        blip[Symbol.dispose]();
      },
    };
  },
};

/** Plain objects and lists are changed within, all else as a whole. */
function mutateValue(choose: Random, value: unknown): unknown {
  const isList = Array.isArray(value);
  const isPlain = typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  if (!(isList || isPlain) || choose.chance(0.15)) return anyValue(choose);
  const entries: [string, unknown][] = Object.entries(value);
  const at = whole(choose, 0, entries.length);
  if (entries.length === 0 || choose.chance(0.05))
    entries.push([choose.pick(["memory", "onProgress", "signal", "x"]), anyValue(choose)]);
  else if (choose.chance(0.1)) entries.splice(at, 1);
  else entries[at] = [entries[at]![0], mutateValue(choose, entries[at]![1])];
  return isList ? entries.map(([, inner]) => inner) : Object.fromEntries(entries);
}

function dispose(result: unknown): void {
  if (typeof result === "object" && result !== null && Symbol.dispose in result)
    (result as Disposable)[Symbol.dispose]();
}
