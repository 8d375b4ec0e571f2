import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { siteShape } from "../../src/patching/run.js";
import { type Source, valuesFrom } from "../../src/patching/sources.js";
import { siteOf } from "../support/blip-vqa.js";
import { plant } from "../support/planted.js";
import { refused } from "../support/refused.js";

// The planted model has 4 heads of 8 numbers, and its question 4 tokens.
const SITE = siteOf("text.cross.z");
const ROOM = "[1,4,4,8], or what broadcasts to it";

test("a source may give what broadcasts to the value, and nothing else", async () => {
  using planted = await plant("single");
  const { model, activations } = planted.pair.clean;
  const replaced = () => tf.zeros(siteShape(model, activations, SITE));
  const given = (source: Source) => tf.tidy(() => valuesFrom(source, SITE, 0, replaced()).shape);
  for (const shape of [[], [8], [4, 1], [4, 4, 8], [1, 4, 4, 8], [1, 1, 1, 1]])
    assert.equal(
      given(() => tf.zeros(shape)),
      shape,
    );
  for (const shape of [[2], [7], [8, 1], [4, 4, 9], [2, 4, 4, 8], [1, 1, 4, 4, 8]])
    await refused(() => given(() => tf.zeros(shape)), "options", `gave [${shape}] for text.cross.z of layer 0`, ROOM);
  await refused(() => given((() => 0) as unknown as Source), "options", "gave no tensor", ROOM);
  const fails = () => {
    throw new Error("no such file");
  };
  await refused(() => given(fails), "options", "no value for text.cross.z of layer 0: no such file");
});

test.run();
