import { test } from "uvu";
import * as assert from "uvu/assert";
import { stopWith, turn } from "../../src/base/turn.js";
import { attributeAll } from "../../src/patching/attribute.js";
import { faithfulness } from "../../src/patching/faithful.js";
import { pictureOf } from "../../src/patching/inputs.js";
import { loadBlip } from "../../src/patching/load-model.js";
import { patch } from "../../src/patching/patch.js";
import { sweep } from "../../src/patching/sweep.js";
import { hurry, keepTime } from "../support/clock.js";
import { CLEAN_IMAGE, CLEAN_QUESTION, NARROW, samplePair } from "../support/samples.js";

// Turns are counted, of a clock that says 60 ms more whenever it is asked.
test.before(hurry);
test.after(keepTime);

/** How often everything else has its turn while something runs. */
async function turnsOf(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let running = true;
  const count = () => {
    turns++;
    if (running) setImmediate(count);
  };
  setImmediate(count);
  await work();
  running = false;
  return turns;
}

const blip = await loadBlip(NARROW);
const pair = await samplePair(blip, "image");

test("whatever computes gives turns: as many as it has batches, or more", async () => {
  let batches = 0;
  const onProgress = () => {
    batches++;
  };
  const asked = { image: CLEAN_IMAGE, question: CLEAN_QUESTION };
  const works: Record<string, () => Promise<unknown>> = {
    sweep: () => sweep(pair, { site: "vision.self.pattern" }, { onProgress }),
    attribute: () => attributeAll(pair, ["text.cross.z"], { steps: 3, onProgress }),
    faithfulness: () => faithfulness(pair, [{ site: "text.cross.z", layer: 0, head: 0 }], { onProgress }),
    patch: () => patch(pair, [{ site: "text.cross.z", layer: 0 }]),
    ask: () => blip.ask(asked),
    async load() {
      using _ = await loadBlip(NARROW);
    },
  };
  for (const [name, work] of Object.entries(works)) {
    batches = 0;
    const turns = await turnsOf(work);
    assert.ok(turns >= Math.max(1, batches), `${name}: ${turns} turns in ${batches} batches`);
  }
});

test("a pass gives a turn a layer", async () => {
  const { vision, text, decoder } = blip.towers;
  const layers = [vision, text, decoder].reduce((sum, tower) => sum + tower!.layers, 0);
  const image = await pictureOf(CLEAN_IMAGE);
  const pass = async () => {
    using _ = await blip.run({ image, question: CLEAN_QUESTION });
  };
  const turns = await turnsOf(pass);
  assert.ok(turns >= layers, `${turns} turns in ${layers} layers`);
  const ticking = performance.now;
  const time = ticking();
  performance.now = () => time;
  const still = await turnsOf(pass);
  performance.now = ticking;
  assert.ok(still < layers, `${still} turns where no time passes`);
});

test("a timer's abort ends a sweep before its next batch", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  let [batches, after, all] = [0, 0, 0];
  const onProgress = (_: number, total: number) => {
    all = total;
    batches++;
    if (batches === 1) setImmediate(() => controller.abort(new Error("late")));
    if (signal.aborted) after++;
  };
  const error = await sweep(pair, { site: "text.cross.z" }, { signal, onProgress, memory: 3e6 }).catch(
    (error) => error,
  );
  assert.is((error as Error).message, "late");
  assert.ok(all > 0 && batches >= 1);
  assert.ok(after <= 1, `${after} batches after the abort`);
});

test("work within a line's reach ends with the line", async () => {
  const controller = new AbortController();
  stopWith(() => controller.signal);
  try {
    await turn();
    controller.abort(new Error("Ctrl-C"));
    const error = await sweep(pair, { site: "text.cross.z" }).catch((error) => error);
    assert.is((error as Error).message, "Ctrl-C");
  } finally {
    stopWith(() => undefined);
  }
});

test.run();
