import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { towerOf, towersOf } from "../../src/model/architecture.js";
import { type Edit, edit } from "../../src/patching/edits.js";
import { loadModel } from "../../src/patching/load-model.js";
import { logitDifference } from "../../src/patching/metrics.js";
import type { Model } from "../../src/patching/model.js";
import type { Pair } from "../../src/patching/pair.js";
import { hasPath, patchPath, type Receiver, type Sender } from "../../src/patching/paths.js";
import { indexes, type Run } from "../../src/patching/run.js";
import { parseSite, type Site, sitesOf } from "../../src/patching/sites.js";
import { changed } from "../../src/patching/sources.js";
import { Decoder } from "../support/decoders.js";
import { FIXTURES } from "../support/fixture.js";
import { refused } from "../support/refused.js";
import { ANSWERS, CLEAN_QUESTION, NARROW } from "../support/samples.js";

// What a path carries is what two passes say whose other heads are held fast. It is compared with what `patchPath` says
// in one, and where no path leads it is nothing.

interface Given {
  readonly model: Model;
  readonly folder: string;
  readonly question: string;
  readonly answers: [string, string];
}

const CASES: Readonly<Record<string, () => Promise<Given>>> = {
  "blip-vqa": async () => ({ ...(await loaded(NARROW)), question: CLEAN_QUESTION, answers: ANSWERS }),
  "blip-itm": async () => ({
    ...(await loaded(`${FIXTURES}/itm-small`)),
    question: "a red star",
    answers: ["match", "no match"],
  }),
  idefics3: () => decoder("idefics3"),
  llava: () => decoder("llava"),
};

const loaded = async (folder: string) => ({ folder, model: await loadModel(folder, { warn() {} }) });

async function decoder(name: string): Promise<Given> {
  const { model, folder, expected } = await Decoder.load(name);
  return { model, folder, question: expected.questions.clean.question, answers: ["red", "blue"] };
}

const layersOf = ({ model }: Pair, tower: string) => indexes(towerOf(model, tower).size(model.config).layers);

/** What a sender sends: other than what stands there in any of its parts. */
const another = (value: tf.Tensor) => tf.mul(value, -2);

const edited = (place: Sender | Receiver, change: Edit["change"]) => {
  const { site, ...where } = place as { site: Site; layer: number };
  return edit(site, where, change);
};

/** Every head of every tower as it is without the sender. */
const heldFast = (pair: Pair): Edit[] =>
  [...towersOf(pair.model)].flatMap(([name, { sites }]) =>
    layersOf(pair, name).flatMap((layer) =>
      sites
        .filter((within) => within.endsWith(".z"))
        .map((within) => {
          const value = pair.corrupted.at(`${name}.${within}` as Site, { layer });
          return edit(`${name}.${within}` as Site, { layer }, () => value);
        }),
    ),
  );

/** What a path from a sender carries to the logit difference, by where it ends. */
async function carriedFrom({ model, folder, question }: Given, pair: Pair, from: Sender, held: readonly Edit[]) {
  const given = { image: `${folder}/corrupt.png`, question };
  const { logitDiff } = pair.readings.corrupted;
  const change = (run: Run) => logitDifference(pair.answers)(run.logits).dataSync()[0]! - logitDiff;
  const first = await model.run({ ...given, edits: [...held, edited(from, another)] });
  return {
    async to(to: Receiver): Promise<number> {
      if (to === "answer") return change(first);
      const value = first.at(to.site as Site, { layer: to.layer });
      using second = await model.run({ ...given, edits: [edited(to, () => value)] });
      return change(second);
    },
    [Symbol.dispose]: () => first[Symbol.dispose](),
  };
}

/** Heads of each tower, of all positions and of one, and the stream that it ends in. */
function senders(pair: Pair): Sender[] {
  const position = pair.question.ids.length - 2;
  return [...towersOf(pair.model)].flatMap(([name, tower]) => {
    const layer = layersOf(pair, name).at(-2)!;
    const head = { site: `${name}.self.z`, layer, head: 1 };
    const stream = { site: `${name}.resid_post`, layer: layer + 1 };
    return [head, ...(tower.tokens === "question" ? [{ ...head, position }] : []), stream] as Sender[];
  });
}

/** Everything that heads read, a layer's input, and the answer. */
function receivers(pair: Pair): Receiver[] {
  const position = pair.question.ids.length - 2;
  const places = sitesOf(pair.model.architecture).flatMap((site) => {
    const { tower, within, tokens } = parseSite(pair.model, site);
    if (!/\.[qkv]$|^resid_pre$/.test(within)) return [];
    const own = tokens === "question" ? [{}, { position }] : [{}];
    return layersOf(pair, tower).flatMap((layer) => own.map((where) => ({ site, layer, ...where })));
  });
  return [...(places as Receiver[]), "answer"];
}

for (const [name, load] of Object.entries(CASES))
  for (const mediated of [false, true])
    test(`${name}: ${mediated ? "paths" : "direct paths"} are there where two passes carry something along them`, async () => {
      const given = await load();
      using model = given.model;
      const image = `${given.folder}/clean.png`;
      const corruptImage = `${given.folder}/corrupt.png`;
      using pair = await model.pair({ image, corruptImage, question: given.question, answers: given.answers });
      const held = mediated ? [] : heldFast(pair);
      const counts = { there: 0, none: 0 };
      for (const from of senders(pair)) {
        using carried = await carriedFrom(given, pair, from, held);
        for (const to of receivers(pair)) {
          const what = `${JSON.stringify(from)} to ${JSON.stringify(to)}`;
          const expected = await carried.to(to);
          const there = hasPath(pair, from, to, { mediated });
          assert.is(there, Math.abs(expected) > 1e-6, `${what}: ${expected}`);
          counts[there ? "there" : "none"] += 1;
          const path = () => patchPath(pair, [from], [to], { mediated, source: changed(another) });
          if (!there) await refused(path, "site", `No ${mediated ? "path" : "direct path"} leads from`);
          else {
            const { logitDiff } = await path();
            // Of a score, as float32 rounds it on processors of either kind.
            assert.ok(
              Math.abs(logitDiff - expected) <= 1e-5 * Math.max(1, Math.abs(expected)),
              `${what}: ${logitDiff}, not ${expected}`,
            );
          }
        }
      }
      assert.ok(counts.there >= 20 && counts.none >= 20);
    });

test.run();
