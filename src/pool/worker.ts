import * as tf from "@tensorflow/tfjs-core";
import { NoticeError } from "../base/errors.js";
import { checkpointFolder } from "../files/folder.js";
import { faithfulness, faithfulnessCurve } from "../patching/faithful.js";
import type { PairInput } from "../patching/inputs.js";
import { loadModel, type Model } from "../patching/model.js";
import type { Pair } from "../patching/pair.js";
import { sweep } from "../patching/sweep.js";
import type { Method, Report, Setup, SweepResult, Task, Tasks } from "./messages.js";
import { type MethodName, type Methods, methods } from "./methods.js";
import { refusal, studySample } from "./sample.js";

// A process of the pool: loads the model, then does one task after the other.

const parent = process.ppid;
process.on("disconnect", () => process.exit());
// Ctrl-C reaches every process of the terminal; what it means is the parent's business.
process.on("SIGINT", () => {});

const tasks: { [name in keyof Tasks]: (model: Model, input: Tasks[name]["input"]) => Promise<Tasks[name]["output"]> } =
  {
    async sweep(blip, { pair, sweeps }) {
      using made = await blip.pair(pair);
      const results: SweepResult[] = [];
      for (const options of sweeps)
        results.push((await sweep(made, { ...options, onProgress: endWithParent })).toJSON());
      return results;
    },
    study: (blip, { pairs }) => studySample(blip, pairs, endWithParent),
    verify: (blip, { pairs }) =>
      eachPair(blip, pairs, async (pair, { heads, ranked, sizes, options }) => ({
        faithful: await faithfulness(pair, heads, { ...options, onProgress: endWithParent }),
        curve: await faithfulnessCurve(pair, ranked, { ...options, sizes, onProgress: endWithParent }),
      })),
    ask: (blip, { asked, top }) => blip.ask(asked, { top }),
    async measure(blip, { pair, method: { name, asked } }) {
      using made = await blip.pair(pair);
      // The name and what is asked belong together, which TypeScript cannot follow through a table.
      const ask = methods[name] as (
        pair: Pair,
        asked: Method["asked"],
        onProgress: () => void,
      ) => Promise<Methods[MethodName]["found"]>;
      return await ask(made, asked, endWithParent);
    },
  };

/** What is found out about each pair, or why nothing is. */
async function eachPair<Item extends { readonly input: PairInput }, Found>(
  blip: Model,
  items: readonly Item[],
  work: (pair: Pair, item: Item) => Promise<Found>,
): Promise<(Found | { readonly refused: string })[]> {
  const results: (Found | { readonly refused: string })[] = [];
  for (const item of items)
    try {
      using pair = await blip.pair(item.input);
      results.push(await work(pair, item));
    } catch (error) {
      results.push(refusal(error));
    }
  return results;
}

async function load(): Promise<Model> {
  const { folder, model, backend, memory } = JSON.parse(process.argv[2]!) as Setup;
  const warn = (message: string) => send({ kind: "warning", message });
  return loadModel({ ...checkpointFolder(folder), name: model }, { backend, memory, warn });
}

try {
  const model = await load();
  process.on("message", (task: Task) => {
    // The name and the input belong together, which TypeScript cannot follow through a table.
    (tasks[task.name] as (model: Model, input: Task["input"]) => Promise<unknown>)(model, task.input)
      .then((output) => send({ kind: "done", output, tensors: tensorsMade() }))
      .catch((error) => refuse(error, tensorsMade()));
  });
  send({ kind: "ready", backend: model.backend });
} catch (error) {
  refuse(error, 0);
}

function refuse(error: unknown, tensors: number): void {
  if (error instanceof NoticeError) send({ kind: "refused", code: error.code, message: error.message, tensors });
  else
    process.send!(
      { kind: "broken", message: error instanceof Error ? error.message : `${error}` } satisfies Report,
      () => process.exit(1),
    );
}

function send(report: Report): void {
  process.send!(report);
}

/** A task may compute for minutes without a turn of the event loop, in which it would hear that the parent is gone. */
function endWithParent(): void {
  if (process.ppid !== parent) process.exit();
}

/** Every tensor has the next number; on tfjs-node every tensor is one handle of its native table (measured: 1.00 to 1.02). */
function tensorsMade(): number {
  return tf.tidy(() => tf.scalar(0).id);
}
