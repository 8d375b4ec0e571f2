import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { otherPairs, scenePair } from "../../playground/scenes.js";
import { Session } from "../../playground/session.js";
import { START } from "../../playground/state.js";
import { openModel } from "../../src/files/open.js";
import { answerAttention } from "../../src/patching/answer-attention.js";
import { attentionOverlay } from "../../src/patching/attention-functions.js";
import { loadModel } from "../../src/patching/model.js";
import { patchPath, type Receiver, type Sender } from "../../src/patching/paths.js";
import { sweep } from "../../src/patching/sweep.js";

// Every architecture in the page, beside the library: the embedded models of questions, sentences, captions and chats.

const { weights } = JSON.parse(readFileSync("playground/study.json", "utf8"));
const never = new AbortController().signal;

const MODELS = [
  { folder: "weights/scenes", form: "question", site: "text.cross.z", says: ["red", "green"], images: 0 },
  { folder: "weights/scenes-itm", form: "match", site: "text.cross.z", says: ["no match", "match"], images: 0 },
  {
    folder: "weights/scenes-caption",
    form: "caption",
    site: "text.cross.z",
    says: [/^the star is red/, /^the star is green/],
    images: 0,
  },
  { folder: "weights/scenes-lm", form: "question", site: "text.self.z", says: ["red", "green"], images: 16 },
] as const;

for (const { folder, form, site, says, images } of MODELS)
  test(`${folder}: answers, a sweep, where a head looks and what it does are the library's`, async () => {
    const session = await Session.open((await openModel(folder)).files, "wasm", weights);
    const { facts } = session;
    assert.is(facts.form, form);
    assert.is(facts.site, site);
    assert.is(facts.embedded, folder === "weights/scenes");
    const given = scenePair(START.task, START.scene, facts.form);
    const found = await session.pair(given);
    for (const [i, run] of (["clean", "corrupted"] as const).entries()) assert.match(found.says[run], says[i]!);
    assert.is(found.same, false);
    assert.is(found.imageTokens.length, images);
    assert.equal(
      found.top.slice(0, 2).map(({ text }) => text),
      given.answers,
    );
    assert.ok(found.top[0]!.clean > 0.5 && found.top[1]!.corrupted > 0.5, JSON.stringify(found.top));
    using model = await loadModel(folder, { backend: "wasm" });
    using pair = await model.pair(given);
    const scores = await sweep(pair, { site } as never);
    let strongest = { layer: 0, head: 0, token: 0, effect: 0 };
    await session.sweep((layer, heads) => {
      for (const [head, tokens] of heads.entries())
        for (const [token, effect] of tokens.entries()) {
          assert.ok(Math.abs(effect! - scores.at("effect", layer, head, token)!) < 1e-4);
          if (token === found.token && effect! > strongest.effect) strongest = { layer, head, token, effect: effect! };
        }
    }, never);
    assert.ok(strongest.effect > 0.05, JSON.stringify(strongest));
    const { grid, effect } = await session.look(strongest);
    const { patterns } = await answerAttention(pair.clean, strongest.token);
    assert.equal(grid, attentionOverlay(patterns, strongest));
    assert.ok(Math.abs(effect! - strongest.effect) < 1e-4);
    // Its paths: some head carries a share on, as patchPath says; no head of an earlier layer does.
    const { maps, plain } = await session.paths(strongest, () => {}, never);
    assert.ok(Math.abs(plain! - strongest.effect) < 1e-4);
    for (const { effects } of maps.filter(({ site }) => site === "text.self"))
      for (const line of effects.slice(0, strongest.layer)) assert.ok(line.every((one) => one === null));
    const map = maps.at(-1)!;
    const [layer, head] = map.effects.flatMap((line, l) =>
      line.flatMap((one, h) => (one === null ? [] : [[l, h] as const])),
    )[0]!;
    const sender = { site, layer: strongest.layer, head: strongest.head, position: strongest.token } as Sender;
    assert.ok(Number.isFinite(map.effects[layer]![head]!));
    if (folder === "weights/scenes") {
      // To the decoder a value leads by its keys and values alone.
      const ends = ["k", "v"].map((value) => ({ site: `${map.site}.${value}`, layer, head }) as Receiver);
      const own = await patchPath(pair, [sender], ends);
      assert.ok(Math.abs(own.effect! - map.effects[layer]![head]!) < 1e-5);
    }
    // Heads off, on other pairs of its form.
    const others = otherPairs(START.task, START.scene, 2, facts.form);
    const { circuit, counted } = await session.circuit(others, () => {}, never);
    assert.ok(circuit.length > 0 && circuit.length < facts.layers * facts.heads && counted > 0);
  });

test.run();
