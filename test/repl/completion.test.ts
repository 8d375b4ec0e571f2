import { test } from "uvu";
import * as assert from "uvu/assert";
import { completeString } from "../../src/repl/completion.js";

const words = ["[CLS]", "is", "this", "star", "red", "or", "blue", "?", "red", "[SEP]"];
const complete = (line: string) => completeString(line, words);

test("sites within quotes", () => {
  assert.equal(complete('await sweep(pair, { site: "text.cross.p'), [["text.cross.pattern"], "text.cross.p"]);
  assert.equal(complete("{site:'decoder.mlp."), [
    ["decoder.mlp.pre", "decoder.mlp.post", "decoder.mlp.out"],
    "decoder.mlp.",
  ]);
  assert.equal(complete('pair.clean.at("vision.resid_po'), [["vision.resid_post"], "vision.resid_po"]);
});

test("positions are the question's words, directions and metrics their own", () => {
  assert.equal(complete('position: "'), [["answer", "all", "is", "this", "star", "red", "or", "blue"], ""]);
  assert.equal(complete('position: "r'), [["red"], "r"]);
  assert.equal(complete('direction: "n'), [["noise"], "n"]);
  assert.equal(complete('scores.at("prob'), [["prob", "probDiff"], "prob"]);
});

test("JavaScript is left to Node", () => {
  for (const line of ["pair.cl", '"text.cross', 'site: "text.cross.z"', 'constructor: "', 'site: "nothing', ""])
    assert.is(complete(line), undefined, line);
});

test.run();
