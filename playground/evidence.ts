import { turn } from "../src/base/turn.js";
import { isRight } from "../src/data/sample.js";
import type { Task } from "../src/data/scenes/scene.js";
import { askJob } from "../src/jobs/ask.js";
import { chooseJob } from "../src/jobs/choose.js";
import { type HeadLook, patchPairsJob } from "../src/jobs/patch-pairs.js";
import { findCircuit, type HeadScores } from "../src/patching/circuits.js";
import type { Model } from "../src/patching/model.js";
import type { Scores } from "../src/patching/scores.js";
import type { CircuitSite } from "../src/patching/sites.js";
import type { Picture } from "../src/pictures/picture.js";
import { balanced, drawOf } from "../src/study/balanced.js";
import { type CircuitRead, membersOf, readCircuit } from "../src/study/compared.js";
import { formOf } from "../src/study/form.js";
import { functionsOf, MOST_MAPS } from "../src/study/function-counts.js";
import { READING, readingPosition } from "../src/study/reading.js";
import { STUDY_SEED, type StudiedScene, studiedScene } from "./scenes.js";

/** What a circuit is found in. */
export interface EvidenceAsked {
  readonly task: Task;
  /** The first so many scenes of the page's world. */
  readonly scenes: number;
  /** Which of the models that are compared, from 0. */
  readonly run: number;
}

/** A model, the site of it that looks at the picture, and what tells its weights from others. */
export interface Looking {
  readonly model: Model;
  readonly site: CircuitSite;
  readonly identity: string;
}

/** What a model shows on many scenes: what `notice study` would find of it, and `notice compare` read. */
export async function evidenceOf(
  { model, site, identity }: Looking,
  { task, scenes, run }: EvidenceAsked,
  onDone: () => void,
  signal: AbortSignal,
): Promise<CircuitRead> {
  const chosen = await rightly(model, task, scenes, onDone, signal);
  const position = readingPosition(model.architecture, site);
  const found: Found[] = [];
  for (const [ordinal, scene] of chosen.entries()) {
    const one = await patched(model, { site, position }, scene, ordinal < MOST_MAPS, () => signal.throwIfAborted());
    if (one) found.push(one);
    onDone();
    await turn(signal);
  }
  found.sort((a, b) => (a.id < b.id ? -1 : 1));
  const samples = found.map(({ scores }) => scores);
  const circuit = findCircuit(samples, { seed: STUDY_SEED, ...READING_OF_CIRCUITS });
  const looked = membersOf(circuit).map((place) => {
    const own = found.map(({ looks }) => looks.find((one) => one.layer === place.layer && one.head === place.head)!);
    return { place, looks: own, maps: own.flatMap(({ pattern }) => (pattern ? [pattern.slice(1)] : [])) };
  });
  const functions = functionsOf(looked, { seed: STUDY_SEED, resamples: READING.resamples });
  return readCircuit(
    { run, dataset: task, modality: "image", site, looks: true, hashes: identity },
    circuit,
    samples,
    functions,
  );
}

const READING_OF_CIRCUITS = { rate: READING.rate, resamples: READING.resamples };

/** The scenes that the model answers rightly, as a study selects them. */
async function rightly(model: Model, task: Task, count: number, onDone: () => void, signal: AbortSignal) {
  const form = formOf(model.architecture);
  const right: StudiedScene[] = [];
  for (let index = 0; index < count; index++) {
    const scene = studiedScene(task, index, form);
    const { image, question, answers } = scene.given;
    const asked = { image, question };
    const { answer } =
      form === "caption" ? await chooseJob.perform(model, { asked, answers }) : await askJob.perform(model, { asked });
    if (isRight(answer, answers[0])) right.push(scene);
    onDone();
    await turn(signal);
  }
  const drawn = new Map(right.map((scene) => [scene, drawOf(STUDY_SEED, task, scene.id)]));
  right.sort((a, b) => drawn.get(a)! - drawn.get(b)!);
  return balanced(right, count, async () => true);
}

interface Found {
  readonly id: string;
  readonly scores: HeadScores;
  readonly looks: readonly HeadLook[];
}

/** Every head's effect on a scene, and where it looks; undefined where the pair is refused. */
async function patched(
  model: Model,
  place: { readonly site: CircuitSite; readonly position: "answer" | "last" },
  { id, given, mask }: StudiedScene,
  patterns: boolean,
  onPass: () => void,
): Promise<Found | undefined> {
  const asked = {
    pairs: [{ input: given, sweeps: [place as never] }],
    looks: { ...(mask && { mask: greyPicture(mask) }), patterns },
  };
  const { pairs, looks } = await patchPairsJob.perform(model, asked, onPass);
  const [pair] = pairs;
  if (pair?.scores === undefined) return undefined;
  return { id, scores: scoresAt(pair.scores[0]!, pair, place.position), looks };
}

/** [layer][head]; null where clean and corrupted answers hardly differ. */
function scoresAt(
  table: Scores,
  { answerToken, tokens }: { readonly answerToken?: number; readonly tokens: readonly string[] },
  position: "answer" | "last",
): HeadScores {
  const { shape, clean, corrupted } = table.facts;
  const token = position === "last" ? tokens.length - 1 : answerToken!;
  const counts = Math.abs(clean.logitDiff - corrupted.logitDiff) >= READING.leastDifference;
  return Array.from({ length: shape[0]! }, (_, layer) =>
    Array.from({ length: shape[1]! }, (_, head) => (counts ? table.at("effect", layer, head, token) : null)),
  );
}

function greyPicture(mask: Uint8Array): Picture {
  const side = Math.sqrt(mask.length);
  return {
    width: side,
    height: side,
    data: Uint8Array.from({ length: 3 * mask.length }, (_, at) => mask[Math.floor(at / 3)]!),
  };
}
