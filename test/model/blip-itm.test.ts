import { test } from "uvu";
import * as assert from "uvu/assert";
import { disposeWeights } from "../../src/checkpoint/weights.js";
import type { Network } from "../../src/model/architecture.js";
import { readConfig } from "../../src/model/architectures.js";
import { blipItm } from "../../src/model/blip-itm.js";
import { attribute } from "../../src/patching/attribute.js";
import { patch } from "../../src/patching/patch.js";
import { circuitSites, sitesOf } from "../../src/patching/sites.js";
import { sweep } from "../../src/patching/sweep.js";
import { answersOf, networkPair, randomNetwork, smallConfig } from "../support/family.js";
import { refused } from "../support/refused.js";

// That matching is one file beside question answering: every method runs on it, and says what closed forms say.

const CONFIG = smallConfig("BlipForImageTextRetrieval");

async function matching(): Promise<Network> {
  const model = await randomNetwork(CONFIG, 3);
  assert.is(model.architecture.name, "blip-itm");
  return model;
}

/** Two pictures beside one sentence of five tokens. */
const pairOf = (model: Network) => networkPair(model, { ids: [3, 9, 4, 11, 2], answers: answersOf(1, 0) });

test("its sites are those of two towers, and its circuits are of three attentions", () => {
  assert.is(sitesOf(blipItm).length, 12 + 19);
  assert.equal(circuitSites(blipItm), ["vision.self.z", "text.self.z", "text.cross.z"]);
});

test("a patch of all that an answer is read from restores all of it, and nothing else is read", async () => {
  const model = await matching();
  using pair = await pairOf(model);
  const effect = async (site: "text.resid_post" | "vision.resid_post", layer: number, position: number | "all") =>
    (await patch(pair, [{ site, layer, position }])).effect!;
  assert.ok(Math.abs((await effect("vision.resid_post", 1, "all")) - 1) < 1e-4);
  assert.ok(Math.abs((await effect("text.resid_post", 2, 0)) - 1) < 1e-4, "[CLS] of the last layer");
  assert.is(await effect("text.resid_post", 2, 3), 0);
  disposeWeights(model.weights);
});

test("the fast sweep equals single patches, and attribution has its table", async () => {
  const model = await matching();
  using pair = await pairOf(model);
  for (const site of ["text.cross.z", "text.self.z", "vision.self.z"] as const) {
    const together = site === "vision.self.z";
    const scores = await sweep(pair, { site });
    for (const [layer, head, token] of [
      [0, 1, 0],
      [1, 0, 3],
    ] as const) {
      const alone = await patch(pair, [{ site, layer, head, position: together ? "all" : token }]);
      const found = scores.at("logitDiff", ...(together ? [layer, head] : [layer, head, token]))!;
      assert.ok(Math.abs(found - alone.logitDiff) < 1e-5, `${site} ${layer} ${head}: ${found} and ${alone.logitDiff}`);
    }
    assert.equal((await attribute(pair, { site })).facts.shape, scores.facts.shape);
  }
  disposeWeights(model.weights);
});

test("an architecture that nobody knows is refused with those that are known", async () => {
  const config = JSON.stringify({ ...CONFIG, architectures: ["BlipModel"] });
  await refused(
    () => readConfig(config, "m/config.json"),
    "checkpoint",
    '"BlipModel"',
    "BlipForQuestionAnswering",
    "BlipForImageTextRetrieval",
  );
});

test("the width in which picture and sentence are compared is 256, or what the config says", async () => {
  const width = (image_text_hidden_size: unknown) => {
    const { config } = readConfig(JSON.stringify({ ...CONFIG, image_text_hidden_size }), "m/config.json");
    return (config as unknown as { projection: number }).projection;
  };
  assert.equal([width(undefined), width(48)], [256, 48]);
  for (const wrong of [0, 1.5, "wide", 1e9])
    await refused(() => width(wrong), "checkpoint", `image_text_hidden_size is ${JSON.stringify(wrong)}`, "a width");
});

test.run();
