import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { publishedCircuit, publishedPosition } from "../../../src/patching/rules/published.js";

/** What the authors' own functions say (test/fixtures/make_published.py). */
const notebook = JSON.parse(readFileSync("test/fixtures/published.json", "utf8")) as {
  readonly samples: readonly {
    readonly question: string;
    readonly tokens: readonly string[];
    readonly piece: string;
    /** [token][layer][head], [CLS] first. */
    readonly prob: readonly (readonly (readonly number[])[])[];
  }[];
  readonly scores: readonly (readonly (readonly number[])[])[];
  readonly threshold: number;
  readonly circuit: readonly (readonly [number, number])[];
};

const read = notebook.samples.flatMap(({ tokens, piece, prob }) => {
  const position = publishedPosition(tokens, piece);
  return position === undefined ? [] : [prob[position]!];
});

test("the scores are read where the authors' notebook reads them: before the answer, by a part of a token, or not at all", () => {
  assert.equal(read, notebook.scores);
  assert.is(read.length, notebook.samples.length - 1);
  const part = notebook.samples.find(({ question }) => question.includes("woman"))!;
  assert.is(part.tokens[publishedPosition(part.tokens, part.piece)!], "woman");
});

test("the circuit and its threshold are the authors' get_circuits", () => {
  const { circuit, threshold } = publishedCircuit(read.map((layers) => layers.flat()));
  const heads = circuit.map((at) => [Math.floor(at / 12), at % 12]).sort(([a], [b]) => a! - b!);
  assert.equal(heads, notebook.circuit);
  // Theirs is in float32.
  assert.ok(Math.abs(threshold - notebook.threshold) < 1e-7, `${threshold}`);
});

test("at the answer's own token another head stands out: the defect decides", () => {
  const own = notebook.samples.flatMap(({ tokens, piece, prob }) => {
    const position = publishedPosition(tokens, piece);
    return position === undefined ? [] : [prob[position + 1]!.flat()];
  });
  const { circuit } = publishedCircuit(own);
  assert.equal(
    circuit.map((at) => [Math.floor(at / 12), at % 12]),
    [[0, 11]],
  );
});

test.run();
