import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { cautionOf } from "../../playground/caution.js";
import { foldedTokens, tokenName } from "../../playground/effects.js";
import { otherPairs, scenePair } from "../../playground/scenes.js";
import { Session } from "../../playground/session.js";
import { START } from "../../playground/state.js";
import type { View } from "../../playground/view.js";
import { openModel } from "../../src/files/open.js";
import { answerAttention } from "../../src/patching/answer-attention.js";
import { attentionOverlay } from "../../src/patching/attention-functions.js";
import { loadModel } from "../../src/patching/load-model.js";
import { hasPath, patchPath, type Receiver, type Sender } from "../../src/patching/paths.js";
import { sweep } from "../../src/patching/sweep.js";

// Every architecture in the page, beside the library: the embedded models of questions, sentences, captions and chats.

const { weights } = JSON.parse(readFileSync("playground/study.json", "utf8"));
const never = new AbortController().signal;

const MODELS = [
  { folder: "weights/scenes", form: "question", site: "text.cross.z", says: ["red", "green"], images: 0, frame: 0 },
  {
    folder: "weights/scenes-itm",
    form: "match",
    site: "text.cross.z",
    says: ["no match", "match"],
    images: 0,
    frame: 0,
  },
  {
    folder: "weights/scenes-caption",
    form: "caption",
    site: "decoder.cross.z",
    says: [/^the star is /, /^the star is /],
    images: 0,
    frame: 0,
  },
  { folder: "weights/scenes-lm", form: "question", site: "text.self.z", says: ["red", "green"], images: 16, frame: 10 },
] as const;

for (const { folder, form, site, says, images, frame } of MODELS)
  test(`${folder}: answers, a sweep, where a head looks and what it does are the library's`, async () => {
    const session = await Session.open((await openModel(folder)).files, "wasm", weights);
    const { facts } = session;
    assert.is(facts.form, form);
    assert.is(facts.site, site);
    assert.is(facts.embedded, folder === "weights/scenes");
    const given = scenePair(START.task, START.scene, facts.form);
    const found = await session.pair(given);
    for (const [i, run] of (["clean", "corrupted"] as const).entries())
      assert.match(found.says[run], says[i]!, found.says[run]);
    // Nobody says which of a star's properties is to be told: what counts is which of the two it would rather say.
    assert.is(found.same, form === "caption");
    assert.is(cautionOf({ found, given } as unknown as View)?.includes("mean nothing") ?? false, false);
    assert.is(found.imageTokens.length, images);
    // A chat's marks: the last of them is where the answer is read.
    assert.is(found.frameTokens.length, frame);
    if (frame > 0) assert.is(tokenName({ found } as unknown as View, found.token!), "the last token");
    const folded = foldedTokens(found).map(({ tokens }) => tokens.length);
    assert.equal(folded, [images, Math.max(0, frame - 1)]);
    assert.equal(
      found.top.slice(0, 2).map(({ text }) => text),
      given.answers,
    );
    const [right, wrong] = found.top;
    assert.ok(right!.clean > 10 * wrong!.clean && wrong!.corrupted > 10 * right!.corrupted, JSON.stringify(found.top));
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
    // Paths: from the first layer some later head carries a share on; all that the last layer writes goes straight on,
    // or through the tower that reads it.
    const first = { ...strongest, layer: 0 };
    const { maps, plain } = await session.paths(first, () => {}, never);
    assert.ok(Math.abs(plain! - scores.at("effect", 0, first.head, first.token)!) < 1e-4);
    const carrying = maps.flatMap(({ site, effects }) =>
      effects.flatMap((line, layer) => line.flatMap((one, head) => (one === null ? [] : [{ site, layer, head, one }]))),
    );
    const own = site.split(".")[0];
    assert.ok(carrying.length > 0 && carrying.every((one) => one.layer > 0 || !one.site.startsWith(own!)));
    const sender = { site, layer: 0, head: first.head, position: first.token } as Sender;
    // A path at random, with what leads into its head: queries from words, keys and values too where words are read.
    const at = carrying.at(-1)!;
    const share = facts.architecture === "idefics3" ? 3 : 1;
    const reads = (["q", "k", "v"] as const).map((value) => {
      const head = value === "q" ? Array.from({ length: share }, (_, i) => at.head * share + i) : at.head;
      return { site: `${at.site}.${value}`, layer: at.layer, head } as Receiver;
    });
    const ends = reads.filter((end) => hasPath(pair, sender as never, end as never));
    assert.ok(Math.abs((await patchPath(pair, [sender], ends)).effect! - at.one) < 1e-5);
    const last = await session.paths({ ...strongest, layer: facts.layers - 1 }, () => {}, never);
    if (last.direct === null) {
      assert.ok(last.maps.every((one) => !one.site.startsWith(own!)));
      assert.ok(last.maps.length > 0 || Math.abs(last.plain!) < 1e-6);
    } else assert.ok(last.maps.length === 0 && Math.abs(last.direct - last.plain!) < 1e-4);
    // Heads off, on other pairs of its form.
    const others = otherPairs(START.task, START.scene, 2, facts.form);
    const { circuit, counted } = await session.circuit(others, () => {}, never);
    assert.ok(circuit.length > 0 && circuit.length < facts.layers * facts.heads && counted > 0);
  });

test.run();
