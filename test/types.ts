import {
  ablate,
  attribute,
  attributeAll,
  type Blip,
  faithfulness,
  faithfulnessCurve,
  layerWindow,
  loadBlip,
  type Pair,
  patch,
  patchHead,
  patchPath,
  SITES,
  sweep,
} from "../src/index.js";
import { openPool, type Pool } from "../src/pool.js";
import type { StudyRun } from "../src/study.js";

// Compiled by `npm run check`, never run: a line that is marked must not type-check, and every other must.

declare const blip: Blip;
declare const pair: Pair;
declare const answering: Pair<"blip-vqa">;
declare const pool: Pool;

const asked = { image: "a.png", question: "is it red or blue?", answers: ["red", "blue"] } as const;
const z = { site: "text.cross.z", layer: 0 } as const;

export async function pairs() {
  await blip.pair({ ...asked, corruptImage: "b.png" });
  await blip.pair({ ...asked, corruptQuestion: "is it green or black?" });
  await blip.pair({ ...asked, corruptImage: { noise: { sigma: 1, seed: 0 } } });
  // @ts-expect-error both are corrupted
  await blip.pair({ ...asked, corruptImage: "b.png", corruptQuestion: "is it green or black?" });
  // @ts-expect-error nothing is corrupted
  await blip.pair(asked);
  // @ts-expect-error one answer
  await blip.pair({ ...asked, corruptImage: "b.png", answers: ["red"] });
  // @ts-expect-error three answers
  await blip.pair({ ...asked, corruptImage: "b.png", answers: ["red", "blue", "green"] });
  // @ts-expect-error a tensor is no picture
  await blip.pair({ ...asked, image: await blip.pixels("a.png"), corruptImage: "b.png" });
  // @ts-expect-error noise without a seed
  await blip.pair({ ...asked, corruptImage: { noise: { sigma: 1 } } });
  // @ts-expect-error noise on a question
  await blip.pair({ ...asked, corruptQuestion: { noise: { sigma: 1, seed: 0 } } });
}

export async function patches() {
  await patchHead(pair, { ...z, head: 0, position: "answer" });
  await patchHead(pair, { site: "vision.self.z", layer: 0, head: 0, position: [0, 1] });
  // @ts-expect-error no such site
  await patchHead(pair, { site: "text.cros.z", layer: 0, head: 0 });
  // @ts-expect-error the vision tower has no cross-attention
  await patchHead(pair, { site: "vision.cross.z", layer: 0, head: 0 });
  // @ts-expect-error a site without heads
  await patchHead(pair, { site: "text.resid_post", layer: 0, head: 0 });
  // @ts-expect-error no head
  await patchHead(pair, z);
  // @ts-expect-error several heads
  await patchHead(pair, { ...z, head: [0, 1] });
  // @ts-expect-error no layer
  await patchHead(pair, { site: "text.cross.z", head: 0 });
  // @ts-expect-error a word of the question among the tokens of the image
  await patchHead(pair, { site: "vision.self.z", layer: 0, head: 0, position: "red" });
  // @ts-expect-error in cross-attention keys and values are the image's
  await patchHead(pair, { site: "text.cross.v", layer: 0, head: 0, position: "answer" });
  // @ts-expect-error no such direction
  await patchHead(pair, { ...z, head: 0 }, { direction: "forward" });
  // @ts-expect-error a run is no source of values; fromRun makes one of it
  await patchHead(pair, { ...z, head: 0 }, { source: pair.clean });

  for (const site of SITES) await patch(pair, [{ site, layer: 0, position: 0 }]);
  await patch(pair, [
    { ...z, head: [0, 1] },
    { site: "decoder.cross.v", layer: 0, position: "red" },
  ]);
  // @ts-expect-error a list of selections
  await patch(pair, z);
  // @ts-expect-error a site without heads
  await patch(pair, [{ site: "text.mlp.out", layer: 0, head: 0 }]);
  await patch(pair, [{ site: "decoder.self.z", layer: 0, position: "answer" }]);
  // @ts-expect-error the decoder of question answering has one token, which is no word
  await patch(answering, [{ site: "decoder.self.z", layer: 0, position: "answer" }]);
  // @ts-expect-error ablation chooses its direction
  await ablate(pair, [z], undefined, { direction: "denoise" });

  await patch(pair, layerWindow("text.cross.z", [0, 1], { head: 0, position: "answer" }));
  // @ts-expect-error a site without heads
  await patch(pair, layerWindow("text.mlp.out", [0, 1], { head: 0 }));
  // @ts-expect-error a word of the question among the tokens of the image
  await patch(pair, layerWindow("vision.self.z", [0, 1], { position: "red" }));

  await patchPath(
    pair,
    [z],
    [{ site: "text.self.q", layer: 1, head: 0 }, { site: "text.resid_pre", layer: 1 }, "answer"],
  );
  // @ts-expect-error a query is read, not written
  await patchPath(pair, [{ site: "text.self.q", layer: 0 }], ["answer"]);
  // @ts-expect-error nothing reads a head's output directly
  await patchPath(pair, [z], [{ site: "text.self.z", layer: 1 }]);
  // @ts-expect-error a layer's input has no heads
  await patchPath(pair, [z], [{ site: "text.resid_pre", layer: 1, head: 0 }]);
}

export async function tables() {
  for (const site of SITES) await sweep(pair, { site, together: true });
  await sweep(pair, { site: "text.cross.z", heads: [0], position: "answer", screen: 3 });
  // @ts-expect-error a site without heads
  await sweep(pair, { site: "text.mlp.out", heads: [0] });
  // @ts-expect-error a word of the question among the tokens of the image
  await sweep(pair, { site: "vision.self.z", position: "answer" });
  await sweep(pair, { site: "text.cross.z", layer: 0, head: 1 }, { direction: "noise" });
  // @ts-expect-error a misspelt key
  await sweep(pair, { site: "text.cross.z", layr: 0 });
  // @ts-expect-error a position is part of the place
  await sweep(pair, { site: "text.cross.z" }, { position: 1 });
  // @ts-expect-error a misspelt key
  await patchHead(pair, { ...z, head: 0, postion: "answer" });
  // @ts-expect-error a direction is no part of the place
  await patchHead(pair, { ...z, head: 0, direction: "noise" });
  // @ts-expect-error integrated gradients belong to attribution
  await sweep(pair, { site: "text.cross.z", steps: 5 });

  await attribute(pair, { site: "text.cross.q", qkFix: true, steps: 5 });
  await attributeAll(pair, ["text.cross.q", "text.cross.z"], { qkFix: true });
  // @ts-expect-error a z is no query or key
  await attribute(pair, { site: "text.cross.z", qkFix: true });
  // @ts-expect-error screening is for exact patching
  await attribute(pair, { site: "text.cross.z", screen: 5 });
  // @ts-expect-error a site without heads
  await attribute(pair, { site: "text.resid_post", heads: [0] });

  await faithfulness(pair, [{ ...z, head: 0 }], { randomSets: 3, seed: 1 });
  // @ts-expect-error queries are no heads of a circuit
  await faithfulness(pair, [{ site: "text.cross.q", layer: 0, head: 0 }]);
  // @ts-expect-error a curve has no random sets
  await faithfulnessCurve(pair, [], { randomSets: 3 });
}

export async function disposables(run: StudyRun): Promise<[Disposable[], AsyncDisposable[]]> {
  return [[blip, pair, pair.clean, await blip.run(asked), run, run.store], [pool]];
}

export async function models() {
  await loadBlip("weights/scenes", { backend: "wasm" });
  // @ts-expect-error no such backend
  await loadBlip("weights/scenes", { backend: "webgl" });
  // @ts-expect-error bytes as a number
  await loadBlip("weights/scenes", { memory: "3GB" });
  await openPool("weights/scenes", { workers: 2 });
  pool.sweep([{ key: 1, ...asked, corruptImage: "b.png" }], { site: "text.cross.z" });
  // @ts-expect-error a function cannot travel to another process
  pool.sweep([{ key: 1, ...asked, corruptImage: "b.png" }], { site: "text.cross.z", onProgress: () => {} });
  // @ts-expect-error no key to tell its result by
  pool.sweep([{ ...asked, corruptImage: "b.png" }], { site: "text.cross.z" });
}
