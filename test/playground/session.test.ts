import { test } from "uvu";
import * as assert from "uvu/assert";
import { cautionOf } from "../../playground/caution.js";
import { rankOf, strongestFirst } from "../../playground/effects.js";
import { exampleText, keptExample, makeExample } from "../../playground/example.js";
import { otherPairs, scenePair } from "../../playground/scenes.js";
import { Session } from "../../playground/session.js";
import { START } from "../../playground/state.js";
import type { View } from "../../playground/view.js";
import { openModel } from "../../src/files/open.js";
import { ablate } from "../../src/patching/ablate.js";
import { keptBy } from "../../src/patching/faithful.js";
import { loadBlip } from "../../src/patching/load-model.js";
import { patch } from "../../src/patching/patch.js";
import { fromRun } from "../../src/patching/sources.js";
import { sweep } from "../../src/patching/sweep.js";

const given = scenePair(START.task, START.scene);
const never = new AbortController().signal;

async function opened(): Promise<Session> {
  return Session.open((await openModel("weights/scenes")).files, "wasm");
}

test("what the page shows before the model is there is what the model says", async () => {
  const kept = await keptExample();
  const made: typeof kept = JSON.parse(exampleText(await makeExample()));
  assert.equal(kept.found.tokens, made.found.tokens);
  const numbers = (example: typeof kept) => [example.effects, example.looked.grid].flat(4) as number[];
  const differences = numbers(made).map((value, i) => Math.abs(value - numbers(kept)[i]!));
  assert.is(differences.length, 3 * 6 * kept.found.tokens.length + 64);
  assert.ok(Math.max(...differences) < 1e-4, `${Math.max(...differences)}`);
});

test("a sweep layer by layer, a look and heads switched off are the library's own", async () => {
  const session = await opened();
  const found = await session.pair(given);
  const effects: (number | null)[][][] = [];
  await session.sweep((layer, layerEffects) => {
    effects[layer] = layerEffects;
  }, never);
  using blip = await loadBlip("weights/scenes", { backend: "wasm" });
  using pair = await blip.pair(given);
  const scores = await sweep(pair, { site: "text.cross.z" });
  for (const [layer, heads] of effects.entries())
    for (const [head, tokens] of heads.entries())
      for (const [token, effect] of tokens.entries())
        assert.ok(Math.abs(effect! - scores.at("effect", layer, head, token)!) < 1e-4);
  const look = await session.look({ layer: 0, head: 0, token: found.token! });
  assert.ok(Math.abs(look.effect! - scores.at("effect", 0, 0, found.token!)!) < 1e-4);
  const off = [
    { layer: 0, head: 0 },
    { layer: 1, head: 4 },
  ];
  const { effect } = await ablate(
    pair,
    off.map((place) => ({ site: "text.cross.z" as const, ...place })),
    fromRun(pair.corrupted),
  );
  const ids = found.top.map(({ id }) => id);
  const { probs, left } = await session.intervene(off, "corrupted", [], ids);
  assert.ok(Math.abs(left! - (1 - effect!)) < 1e-4);
  assert.ok(probs[0]! < found.top[0]!.clean - 0.1, `${probs}`);
  // Patched together they bring back what the library's patch of both does.
  const both = await patch(
    pair,
    off.map((place) => ({ site: "text.cross.z" as const, ...place })),
  );
  const patched = await session.intervene(off, "clean", [], ids);
  assert.ok(Math.abs(patched.left! - both.effect!) < 1e-4 && Math.abs(patched.probs[0]! - both.prob) < 1e-4);
  for (const how of ["zero", "mean"] as const) {
    const others = otherPairs(START.task, START.scene, 8);
    assert.ok((await session.intervene(off, how, others, ids)).left! < 0.99, how);
  }
});

test("what both runs say and how sure they are is the library's own; answers that are not likely are left out", async () => {
  const session = await opened();
  const { says, same, top } = await session.pair(given);
  using blip = await loadBlip("weights/scenes", { backend: "wasm" });
  for (const [run, image] of [["clean", given.image] as const, ["corrupted", given.corruptImage] as const]) {
    const asked = await blip.ask({ image, question: given.question }, { top: 118 });
    assert.is(says[run], asked.answer);
    for (const { id, [run]: prob } of top)
      assert.ok(Math.abs(prob - asked.top.find((one) => one.id === id)!.prob) < 1e-5);
  }
  assert.is(same, false);
  assert.equal(
    top.map(({ text }) => text),
    given.answers,
  );
  // Of two pictures alike both are the same, and the page warns.
  const alike = { ...given, corruptImage: given.image };
  const found = await session.pair(alike);
  assert.is(found.same, true);
  const view = { found, given: alike } as unknown as View;
  assert.match(cautionOf(view)!, /says “red” to both pictures.*mean nothing/);
  const flips = { clean: { prob: 0.1, logitDiff: 1 }, corrupted: { prob: 0.1, logitDiff: -2 } };
  const neither = { ...view, found: { ...found, readings: flips } };
  assert.match(cautionOf(neither)!, /neither “red” nor “green”\. Effects say/);
  const readings = { clean: { prob: 0.1, logitDiff: -1 }, corrupted: { prob: 0.1, logitDiff: -2 } };
  const wrong = { ...view, found: { ...found, same: false, readings } };
  assert.match(cautionOf(wrong)!, "With the clean picture the model takes “green” to be likelier than “red”.");
  const sure = { clean: { prob: 0.9, logitDiff: 2 }, corrupted: { prob: 0.1, logitDiff: -2 } };
  assert.is(cautionOf({ ...wrong, found: { ...wrong.found, readings: sure } }), undefined);
});

test("a head's rank counts all heads at all tokens, and names who is next", async () => {
  const { found, effects } = await keptExample();
  const view = { found, effects } as unknown as View;
  const all = effects.flat(2).filter((one) => one !== null) as number[];
  const at = (token: number) => rankOf(view, { layer: 0, head: 0, token })!;
  assert.is(strongestFirst(effects)[0]!.effect, Math.max(...all));
  assert.match(at(6), `The strongest of ${all.length} (each head at each token); the next is L0H0 at “red”, 0.25.`);
  assert.match(at(4), `Number 2 of ${all.length} (each head at each token); the strongest is L0H0 at “green”, 0.27.`);
  assert.is(rankOf({ ...view, effects: [] }, { layer: 0, head: 0, token: 4 }), undefined);
});

test("a circuit keeps nine tenths of its own pair, and says what it keeps of others", async () => {
  const session = await opened();
  await session.pair(given);
  const others = otherPairs(START.task, START.scene, 3);
  const { circuit, here, there, counted } = await session.circuit(others, () => {}, never);
  assert.ok(circuit.length < 18 && Math.abs(1 - here) <= 0.1 + 1e-3, `${here}`);
  using blip = await loadBlip("weights/scenes", { backend: "wasm" });
  const heads = circuit.map((place) => ({ site: "text.cross.z" as const, ...place }));
  const kept: number[] = [];
  for (const one of others) {
    using pair = await blip.pair(one);
    kept.push((await keptBy(pair, [heads], { sites: ["text.cross.z"] }))[0]!);
  }
  assert.is(counted, 3);
  assert.ok(Math.abs(there!.median - kept.sort((a, b) => a - b)[1]!) < 1e-4);
});

test("a sweep that is no longer wanted ends", async () => {
  const session = await opened();
  await session.pair(given);
  const stop = new AbortController();
  const layers: number[] = [];
  const swept = session.sweep((layer) => {
    layers.push(layer);
    stop.abort(new Error("no longer wanted"));
  }, stop.signal);
  assert.match(
    await swept.then(
      () => "",
      ({ message }) => message,
    ),
    "no longer wanted",
  );
  assert.equal(layers, [2]);
});

test.run();
