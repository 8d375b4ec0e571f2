import { test } from "uvu";
import * as assert from "uvu/assert";
import { completeOption, completeString } from "../../src/repl/completion.js";

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

test("options by the function that they are given to, without those that stand there", () => {
  assert.equal(completeOption("await sweep(pair, { sit"), [["site: "], "sit"]);
  assert.equal(completeOption('await sweep(pair, { site: "text.cross.z", la'), [["layers: ", "layer: "], "la"]);
  assert.equal(completeOption('sweep(pair, { site: "text.cross.z" }, { dir'), [["direction: "], "dir"]);
  assert.equal(completeOption('patchHead(pair, { site: "text.cross.z", ...L1H2, po'), [["position: "], "po"]);
  assert.equal(completeOption("blip.pair({ image: a, corrupt"), [["corruptImage: ", "corruptQuestion: "], "corrupt"]);
  assert.equal(completeOption("show(scores, { image: 1, "), [["metric: ", "token: ", "note: "], ""]);
  for (const line of ["sweep(pair", "sweep(pair, { site: x })", "nothing({ si", "sweep(pair, { zzz", "constructor({ a"])
    assert.is(completeOption(line), undefined, line);
});

test("JavaScript is left to Node", () => {
  for (const line of ["pair.cl", '"text.cross', 'site: "text.cross.z"', 'constructor: "', 'site: "nothing', ""])
    assert.is(complete(line), undefined, line);
});

test.run();
