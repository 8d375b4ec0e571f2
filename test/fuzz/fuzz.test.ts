import { test } from "uvu";
import * as assert from "uvu/assert";
import { random } from "../../src/base/random.js";
import { findingsOf, fuzz } from "./fuzz.js";
import type { Fault } from "./judge.js";
import { judge } from "./judge.js";
import { keysOf } from "./kind.js";
import { tables } from "./kinds/tables.js";
import { KINDS } from "./planted.js";

const PLANTED = new URL("./planted.js", import.meta.url).href;
const SEED = 292;
const LIMITS = { caseMs: 1000, caseBytes: 50e6, keptBytes: 5e6 };
const CASES = 3;
/** The cases that have a kind's fault, by the case's own stream. */
const faulty = (kind: string) =>
  Array.from({ length: CASES }, (_, number) => number).filter(
    (number) => !random(...keysOf(SEED, kind, number)).chance(0.5),
  );

test("every planted fault is counted, with its case", async () => {
  const wanted: Record<string, Fault> = {
    aborts: "crash",
    leaves: "crash",
    hangs: "hang",
    takes: "memory",
    throws: "rejection",
    prints: "rejection",
    errs: "wrong",
  };
  const tallies = await fuzz(PLANTED, KINDS, { seed: SEED, cases: CASES * KINDS.length, limits: LIMITS });
  for (const { kind, cases, taken, refused, findings } of tallies) {
    assert.is(cases, CASES);
    const found = findings.map((one) => [one.case, one.fault]);
    const bad = faulty(kind);
    assert.ok(bad.length > 0, `${kind}: none of its cases is bad`);
    if (kind === "keeps") {
      assert.equal([findings.length, findings[0]?.fault, findings[0]?.to], [1, "memory", CASES]);
      continue;
    }
    if (kind === "drops") {
      assert.equal([taken, findings], [CASES, []], "what nothing holds any longer is not kept");
      continue;
    }
    assert.is(taken, CASES - bad.length, kind);
    assert.is(refused, kind === "sound" ? bad.length : 0);
    assert.equal(found, kind === "sound" ? [] : bad.map((number) => [number, wanted[kind]]), kind);
  }
  const printed = findingsOf(tallies, SEED);
  assert.match(printed, `npm run fuzz -- --seed ${SEED} --only aborts --case ${faulty("aborts")[0]}\n`);
  assert.match(printed, `--only keeps --from 0 --cases ${CASES}\n`);
});

test("300 tables of hostile rows", async () => {
  const { run } = await tables.open("");
  let taken = 0;
  for (let number = 0; number < 300; number++) {
    const found = await judge(() => run(random(...keysOf(1, "tables", number))));
    if (found === "taken") taken++;
    else assert.is(found, "refused");
  }
  assert.ok(taken > 100, "nothing sound was left to be read");
});

test.run();
