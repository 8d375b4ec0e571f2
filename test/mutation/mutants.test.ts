import { test } from "uvu";
import * as assert from "uvu/assert";
import { applied, mutantsOf } from "./mutants.js";

const changes = (text: string) => mutantsOf("src/a.ts", text).map(({ before, after }) => `${before} -> ${after}`);

test("an operator, a condition and a number are changed", () => {
  assert.equal(changes("const y = a < b && !c ? 0 : d * 0.5;"), [
    "a < b && !c -> !(a < b && !c)",
    "< -> <=",
    "&& -> ||",
    "!c -> c",
    "0 -> 1",
    "0 -> (-1)",
    "* -> /",
    "0.5 -> 1",
  ]);
});

test("a statement, an early exit, a default and an option are left out", () => {
  assert.equal(changes("if (x === y) return;"), ["=== -> !==", "return; -> {}"]);
  assert.equal(changes("await remove(x, { recursive: true });"), [
    "await remove(x, { recursive: true }); -> ;",
    "true -> false",
  ]);
  assert.equal(changes("const z = x ?? y;"), ["x ?? y -> x"]);
  assert.equal(changes("const z = Math.min(x, y);"), ["min -> max"]);
});

test("types, imports and texts have no mutants", () => {
  const texts = ["type A = 1 | true;", 'import { a } from "./a.js";', 'const x = "a" + b;', "let x: 1 | 2;"];
  for (const text of texts) assert.equal(changes(text), [], text);
});

test("a mutant changes its place alone", () => {
  const text = "// A comment.\nconst x = a - (b - c);\n";
  const [, second] = mutantsOf("src/a.ts", text);
  assert.equal([second!.line, second!.column], [2, 18]);
  assert.is(applied(second!, text), "// A comment.\nconst x = a - (b + c);\n");
});

test.run();
