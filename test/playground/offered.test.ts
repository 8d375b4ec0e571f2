import { test } from "uvu";
import * as assert from "uvu/assert";
import { isModelName, readModels } from "../../playground/offered.js";
import { namesOf } from "../../src/cli/playground.js";

const own = { name: "scenes", address: "model", from: "weights/scenes" };
const other = { name: "scenes-itm", address: "models/scenes-itm", from: "weights/scenes-itm", does: "matches" };

test("of a list of models what is none of the page's is left out", () => {
  assert.equal(readModels([own, other]), [own, other]);
  const wrong = [
    null,
    "scenes",
    { ...other, name: "../x" },
    { ...other, name: 3 },
    { ...other, address: "https://elsewhere.example/model" },
    { ...other, address: "models/../../secret" },
    { ...other, address: "models/a/b" },
    { ...other, address: "//elsewhere.example" },
    { ...other, from: undefined },
    { ...other, does: {} },
  ];
  assert.equal(readModels([own, ...wrong]), [own]);
  assert.equal(readModels({ 0: own }), []);
  assert.equal(readModels(undefined), []);
});

test("a model has a name that an address can hold, and no two have one", () => {
  const models = ["weights/scenes", "Salesforce/blip-vqa-base", "/else/where/scenes", ".", "my model/", "..."];
  const names = namesOf(models);
  assert.equal(names, ["scenes", "blip-vqa-base", "scenes-2", "model", "my-model", "model-2"]);
  assert.ok(names.every(isModelName));
});

test.run();
