import { random } from "../../src/base/random.js";
import { draw, sampleAt, type Task, tasks } from "../../src/data/scenes/scene.js";
import { findCircuit, type HeadScores, universality } from "../../src/patching/circuits.js";
import type { Site } from "../../src/patching/sites.js";
import type {
  DatasetFacts,
  OverlaySample,
  ReportData,
  SharedHead,
  SiteCircuit,
  TokenMap,
} from "../../src/report/report-data.js";
import { sharedHeads } from "../../src/report/shared-heads.js";
import type { AttributionAgreement } from "../../src/study/agreement.js";
import type { HeadFunctionFacts } from "../../src/study/head-functions.js";
import type { Modality } from "../../src/study/settings.js";
import type { Verified } from "../../src/study/verified.js";
import { EXCLUSIONS } from "./exclusions.js";

/** How large the study is that a report is made of. */
export interface StudyShape {
  readonly layers: number;
  readonly heads: number;
  /** Patches on each side. */
  readonly side: number;
  readonly samples: number;
  readonly overlays: number;
}

const SMALL: StudyShape = { layers: 3, heads: 6, side: 8, samples: 40, overlays: 1 };

const MODALITIES: readonly Modality[] = ["image", "text", "gaussian"];

/** Noise alone finds L1H4 in no sample of `actions`, and `faces` has no replacement of tokens. */
const EMPTY = "actions gaussian";
const MISSING = "faces text";

/** A study as it might come out, of seeded numbers: L2H1 is planted everywhere, other heads here and there. */
export function reportData(changes: Partial<StudyShape> = {}): ReportData {
  const shape = { ...SMALL, ...changes };
  const kinds = tasks.flatMap((dataset) => MODALITIES.map((modality) => ({ dataset, modality })));
  const patched = kinds.filter(({ dataset, modality }) => `${dataset} ${modality}` !== MISSING);
  const circuits = (["text.cross.z", "text.self.z"] as const).flatMap((site) =>
    patched.map(({ dataset, modality }) => siteCircuit(shape, dataset, modality, site)),
  );
  const shared = (site: Site) => ({
    site,
    universality: universality(
      circuits
        .filter((one) => one.site === site && one.circuit.samples > 0)
        .map(({ dataset, modality, circuit }) => ({ name: `${dataset}, ${modality}`, circuit })),
    ),
  });
  const universal = [shared("text.cross.z"), shared("text.self.z")];
  return {
    title: "Which heads carry the answer: small model, generated scenes",
    run: {
      version: "0.2.0",
      model: "weights/scenes",
      modelHash: "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
      backend: "wasm",
      seed: 7,
      settings: { "samples a group": 20, "noise, standard deviations": 3, metric: "effect", resamples: 2000 },
    },
    datasets: tasks.map(datasetFacts),
    position: "answer",
    circuits,
    tokenMaps: patched.map(({ dataset, modality }) => tokenMap(shape, dataset, modality)),
    universality: universal,
    verified: patched
      .filter(({ modality }) => modality === "image")
      .map(({ dataset, modality }) => verified(dataset, modality)),
    attribution: patched
      .filter(({ modality }) => modality === "image")
      .map(({ dataset, modality }) => agreement(dataset, modality)),
    alone: [
      {
        ...{ dataset: "attributes", modality: "image", site: "text.cross.z", layer: 2, head: 1, found: 20, tested: 19 },
        ...{ kept: 0.336, low: 0.281, high: 0.402, none: 0.023 },
      },
    ],
    headFunctions: tasks.flatMap((dataset) => headFunctionFacts(dataset)),
    overlays: tasks.flatMap((dataset) => overlaySamples(shape, dataset)),
    shared: sharedHeads(universal).map((one, at) => ({
      ...one,
      pictures: at === 0 ? cardPictures(shape) : [],
      looked: at === 0 ? 12 : 0,
    })),
    looking: "text.cross.z",
    notes: [
      "actions, Gaussian noise: all samples are degenerate, clean and corrupted answers differ by less than 0.01 logits.",
      "faces has no masks: heads are not measured against an object there.",
    ],
  };
}

function siteCircuit(shape: StudyShape, dataset: Task, modality: Modality, site: Site): SiteCircuit {
  const choose = random("circuit", dataset, modality, site);
  const strength = modality === "gaussian" ? 0.4 : 1;
  const planted: Record<string, number> =
    site === "text.cross.z" ? { "2.1": 0.62, "1.4": dataset === "actions" ? -0.35 : 0.1 } : { "2.5": 0.3 };
  const degenerate = `${dataset} ${modality}` === EMPTY;
  const scores = Array.from({ length: shape.samples }, (_, sample): HeadScores => {
    const none = degenerate || sample % 13 === 12;
    const score = (layer: number, head: number) =>
      (planted[`${layer}.${head}`] ?? 0) * strength + choose.between(-0.06, 0.08);
    return Array.from({ length: shape.layers }, (_, layer) =>
      Array.from({ length: shape.heads }, (_, head) => (none ? null : score(layer, head))),
    );
  });
  const circuit = findCircuit(scores, { resamples: 200 });
  return { dataset, modality, site, metric: "effect", layers: shape.layers, heads: shape.heads, circuit, unplaced: 0 };
}

function tokenMap({ layers, samples }: StudyShape, dataset: Task, modality: Modality): TokenMap {
  const choose = random("tokens", dataset, modality);
  const roles = ["[CLS]", "before", "correct", "or", "incorrect", "after", "?", "[SEP]"];
  const none = `${dataset} ${modality}` === EMPTY;
  const mean = (layer: number, role: number) => {
    if (none || (role === 5 && dataset !== "actions")) return null;
    return role === 2 ? (layer + 1) / (layers + 1) : choose.between(-0.1, 0.15);
  };
  return {
    dataset,
    modality,
    site: "text.resid_post",
    metric: "effect",
    samples: none ? 0 : samples - 3,
    degenerate: none ? samples : 3,
    roles,
    means: Array.from({ length: layers }, (_, layer) => roles.map((_, role) => mean(layer, role))),
  };
}

function verified(dataset: Task, modality: Modality): Verified {
  const sizes = [0, 9, 18, 27, 36];
  return {
    dataset,
    modality,
    sites: ["text.cross.z", "text.self.z"],
    heads: [
      { site: "text.cross.z", layer: 2, head: 1 },
      { site: "text.self.z", layer: 2, head: 5 },
    ],
    of: 36,
    found: 20,
    tested: 19,
    kept: 0.412,
    removed: 0.301,
    none: 0.023,
    randomSets: [0.021, 0.065, 0.102, 0.044],
    random: 0.058,
    pValue: 0.2,
    sizes,
    curve: [0.023, 0.61, 0.83, 0.94, 1],
    needed: 27,
    cpr: 0.723,
    cmd: 0.277,
  };
}

function agreement(dataset: Task, modality: Modality): AttributionAgreement {
  const choose = random("agreement", dataset, modality);
  const places = Array.from({ length: 60 }, (_, i) => {
    const exact = choose.between(-1, 2);
    const site: Site = i % 3 === 0 ? "text.resid_post" : "text.cross.z";
    return {
      sample: `${dataset}-${String(i % 7).padStart(5, "0")}`,
      site,
      layer: i % 3,
      head: site === "text.cross.z" ? i % 6 : null,
      position: i % 9,
      token: ["[CLS]", "is", "red"][i % 3]!,
      expected: exact + (60 - i) * 0.01 * choose.between(0.9, 1),
      exact,
    };
  });
  const sites = [
    { site: "text.cross.z" as const, places: 6480, pearson: 0.871, pearsonOfMeans: 0.962 },
    { site: "text.resid_post" as const, places: 1080, pearson: 0.913, pearsonOfMeans: null },
  ];
  return { dataset, modality, sites, misses: places.slice(0, 4), places };
}

function datasetFacts(name: Task): DatasetFacts {
  const group = (group: string, correct: number) => ({ name: group, asked: 50, correct, selected: 20, patched: 20 });
  const groups = {
    attributes: [group("colour", 49), group("form", 47), group("size", 44), group("texture", 46)],
    actions: [group("subject", 48), group("verb", 39), group("object", 45)],
    faces: [group("happy", 50), group("sad", 41)],
  }[name];
  return { name, candidates: 50 * groups.length + 4, exclusions: name === "faces" ? [] : EXCLUSIONS, groups };
}

function headFunctionFacts(dataset: Task): HeadFunctionFacts[] {
  const masked = dataset !== "faces";
  const object = (mass: number, auroc: number) => ({
    objectSamples: masked ? 37 : 0,
    objectMass: masked ? mass : null,
    objectUniform: masked ? 0.121 : null,
    auroc: masked ? auroc : null,
    aurocWithin: masked ? ([auroc - 0.03, auroc + 0.03] as const) : null,
    noise: masked ? ([0.482, 0.518] as const) : null,
  });
  const outliers = { outlierSamples: 35, outlierMass: 0.013, outlierUniform: 0.047 };
  return [
    { dataset, layer: 2, head: 1, ...object(0.48, 0.91), ...outliers },
    { dataset, layer: 1, head: 4, ...object(0.05, 0.31), ...outliers, outlierMass: 0.05 },
  ];
}

function overlaySamples({ side, overlays }: StudyShape, dataset: Task): OverlaySample[] {
  return Array.from({ length: overlays }, (_, index) => {
    const { scene, question, answers } = sampleAt(dataset, 7, index);
    const choose = random("overlay", dataset, index);
    const bump = (sign: number) =>
      Array.from({ length: side }, (_, row) =>
        Array.from({ length: side }, (_, column) => {
          const distance = Math.hypot(row - 0.4 * side, column - 0.6 * side) / side;
          return sign * (0.05 * Math.exp(-20 * distance ** 2) - 0.008) + choose.between(-0.003, 0.003);
        }),
      );
    return {
      dataset,
      id: `${dataset}-${String(index).padStart(5, "0")}`,
      question,
      answers,
      picture: draw(scene).picture,
      heads: [
        { layer: 2, head: 1, overlay: bump(1), effect: 0.61, others: [-0.05, 0.3] },
        { layer: 1, head: 4, overlay: bump(-0.7), effect: -0.2, others: [-0.05, 0.3] },
        { layer: 0, head: 3, overlay: bump(0.2), effect: null, others: null },
      ],
    };
  });
}

/** The shared head on two pictures. */
function cardPictures(shape: StudyShape): SharedHead["pictures"] {
  const pictures = overlaySamples({ ...shape, overlays: 2 }, "attributes");
  return pictures.map((sample, at) => ({
    what: at === 0 ? "clearest" : "counter-example",
    sample: { ...sample, heads: sample.heads.slice(0, 1) },
    auroc: at === 0 ? 0.97 : 0.58,
  }));
}

const EVIL = `<script>pwned()</script></script><!--"><img src=x onerror=pwned()>'&amp;\u0000\u202e\ud800`;

/** The same study with an attack in every string that is not one of a closed list. */
export function hostile(data: ReportData): ReportData {
  const closed = new Set(["metric", "modality", "site", "what", "looking"]);
  const poison = (value: unknown, key?: string): unknown => {
    if (typeof value === "string") return closed.has(key!) ? value : `${value}${EVIL}`;
    if (Array.isArray(value)) return value.map((one) => poison(one));
    if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [key === "settings" ? `${name}${EVIL}` : name, poison(one, name)]),
    );
  };
  return poison(data) as ReportData;
}
