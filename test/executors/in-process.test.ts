import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Executor } from "../../src/executors/executor.js";
import { inProcess } from "../../src/executors/in-process.js";
import { openPool } from "../../src/executors/processes.js";
import { JOBS, type JobName, type Jobs } from "../../src/jobs/jobs.js";
import { loadBlip } from "../../src/patching/model.js";
import { refused } from "../support/refused.js";
import { ANSWERS, CLEAN_IMAGE, CLEAN_QUESTION, CORRUPT_IMAGE, CORRUPT_QUESTION, NARROW } from "../support/samples.js";

const pair = { image: CLEAN_IMAGE, corruptImage: CORRUPT_IMAGE, question: CLEAN_QUESTION, answers: ANSWERS };
const text = { image: CLEAN_IMAGE, question: CLEAN_QUESTION, corruptQuestion: CORRUPT_QUESTION, answers: ANSWERS };
const heads = [{ site: "text.cross.z", layer: 0, head: 1 } as const];
const sender = { ...heads[0]!, position: "answer" } as const;
const sites = ["text.cross.z", "text.resid_post"] as const;

/** An input of every job. */
const INPUTS: { readonly [Name in JobName]: Jobs[Name]["input"] } = {
  ask: { asked: pair, top: 2 },
  answers: { images: [CLEAN_IMAGE, CORRUPT_IMAGE], questions: [CLEAN_QUESTION, CLEAN_QUESTION] },
  choose: { asked: { image: CLEAN_IMAGE, question: CLEAN_QUESTION }, answers: ANSWERS },
  sweep: { pair, sweeps: [{ site: "text.cross.z" }, { site: "text.resid_post", direction: "noise" }] },
  attribute: { pair, attribution: { site: "text.cross.z", steps: 2 } },
  paths: { pair, senders: [sender], receivers: ["answer"], direction: "denoise" },
  faithful: { pair, heads, randomSets: 2, seed: 3, ranked: heads, sizes: [1] },
  headEffects: { pair },
  keptSets: { pair, sites: ["text.cross.z"], heads, sets: [[], [0]] },
  patchPairs: {
    pairs: [
      { input: pair, sweeps: [{ site: "text.cross.z" }], attribution: { sites } },
      { input: text, sweeps: [{ site: "text.cross.z" }] },
      { input: { ...pair, image: "no/such.png" }, sweeps: [] },
    ],
    looks: { patterns: true, mask: "no/such.png" },
  },
};

async function outputOf<Name extends JobName>(executor: Executor, name: Name): Promise<unknown> {
  for await (const { key, output, error } of executor.perform(name, [{ key: name, input: INPUTS[name] }])) {
    assert.is(error, undefined, error?.message);
    assert.is(key, name);
    return output;
  }
}

test("every job finds the same here and in another process", async () => {
  using model = await loadBlip(NARROW, { backend: "wasm" });
  const here = inProcess(model);
  await using there = await openPool(NARROW, { workers: 1, backend: "wasm" });
  for (const name of Object.keys(JOBS) as JobName[]) {
    const found = await outputOf(here, name);
    assert.ok(found, name);
    // As JSON: what was left out may travel as undefined.
    assert.equal(JSON.parse(JSON.stringify(await outputOf(there, name))), JSON.parse(JSON.stringify(found)), name);
  }
});

test("what is wrong with an input is its result, and a closed executor performs nothing", async () => {
  using model = await loadBlip(NARROW, { backend: "wasm" });
  const executor = inProcess(model);
  const inputs = [{ ...pair, image: "no/such.png" }, pair].map((pair, key) => ({ key, input: { pair } }));
  const codes: unknown[] = [];
  for await (const { error } of executor.perform("headEffects", inputs)) codes.push(error?.code);
  assert.equal(codes, ["image", undefined]);
  await executor.close();
  await refused(() => executor.perform("headEffects", inputs).next(), "disposed", "closed");
});

test("what is no input of a job is refused by its name", async () => {
  using model = await loadBlip(NARROW, { backend: "wasm" });
  const sent = { pair: { ...pair, question: 3 }, sweeps: {} };
  await refused(() => JOBS.sweep.performSent(model, sent), "options", "the job sweep", "pair.question", "sweeps");
});

test.run();
