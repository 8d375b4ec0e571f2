import { test } from "uvu";
import * as assert from "uvu/assert";
import { NoticeError } from "../../src/base/errors.js";
import type { Executor } from "../../src/executors/executor.js";
import { inProcess } from "../../src/executors/in-process.js";
import { openPool } from "../../src/executors/processes.js";
import { JOBS, type JobName } from "../../src/jobs/jobs.js";
import { loadBlip } from "../../src/patching/load-model.js";
import { INPUTS, PAIR as pair } from "../support/job-inputs.js";
import { refused } from "../support/refused.js";
import { NARROW } from "../support/samples.js";

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

test("a lost GPU is no pair's error: it ends what is computed here", async () => {
  using model = await loadBlip(NARROW, { backend: "wasm" });
  const lost = { ...pair };
  Object.defineProperty(lost, "image", {
    get() {
      throw new NoticeError("backend", "The GPU does not answer.");
    },
  });
  const found = inProcess(model).perform("headEffects", [{ key: 0, input: { pair: lost } }]);
  await refused(() => found.next(), "backend", "The GPU does not answer");
});

test("what is no input of a job is refused by its name", async () => {
  using model = await loadBlip(NARROW, { backend: "wasm" });
  const sent = { pair: { ...pair, question: 3 }, sweeps: {} };
  await refused(() => JOBS.sweep.performSent(model, sent), "options", "the job sweep", "pair.question", "sweeps");
});

test.run();
