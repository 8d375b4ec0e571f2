import { AsyncLocalStorage } from "node:async_hooks";
import { createInterface } from "node:readline";
import { type REPLServer, start } from "node:repl";
import { PassThrough } from "node:stream";
import { inspect } from "node:util";
import * as tf from "@tensorflow/tfjs-core";
import { NoticeError } from "../base/errors.js";
import { stopWith } from "../base/turn.js";
import { draw, type Sample, sampleAt, tasks } from "../data/scenes/scene.js";
import * as display from "../display.js";
import { towersOf } from "../model/architecture.js";
import { headName } from "../patching/head-place.js";
import type { PairInput } from "../patching/inputs.js";
import type { Model } from "../patching/model.js";
import { Pair } from "../patching/pair.js";
import { mainSites } from "../patching/sites.js";
import { completeOption, completeString } from "./completion.js";
import { Held } from "./held.js";
import { helpWithLibrary } from "./help.js";
import { openHistory } from "./history.js";
import { Variables } from "./variables.js";
import { nameWithinObjects, resultText } from "./writer.js";

/** Scenes that the shipped model did not learn from. */
const SEED = 1000;
const PAIRS_A_TASK = 2;

/**
 * Reads lines, evaluates them and prints what they give, until the input ends: Node's own prompt with this library, a
 * model and sample pairs as variables. The model and all that the variables hold is freed at the end.
 *
 * @param library what `vlm-notice` exports.
 */
export async function runSession(
  blip: Model,
  library: Readonly<Record<string, unknown>>,
  { stdin: input, stdout: output }: Pick<NodeJS.Process, "stdin" | "stdout"> = process,
): Promise<void> {
  const interactive = Boolean(input.isTTY && output.isTTY);
  const held = new Held();
  using variables = new Variables();
  const pairs = samplePairs();
  define({ ...library, ...display, tf, ...headNames(blip), blip, pairs, pair: await firstPair(blip, pairs) });
  held.update(variables.values());
  nameWithinObjects();
  if (interactive) output.write(greeting(blip));
  const history = interactive ? await openHistory() : undefined;
  // The prompt would take all lines that have come, and not wait for what is awaited in one of them.
  const lines = interactive ? undefined : createInterface({ input })[Symbol.asyncIterator]();
  const fed = new PassThrough();
  const server = start({
    input: lines ? fed : input,
    output,
    terminal: interactive,
    prompt: interactive ? "> " : "",
    // One realm with the library: another's Uint8Array would be none here.
    useGlobal: true,
    ignoreUndefined: true,
    breakEvalOnSigint: interactive,
    useColors: display.terminalOf(output).colours > 0,
    writer: (value) => resultText(headError(value, blip) ?? value, display.terminalOf(output)),
  });
  freeReplaced(server, () => held.update(variables.values()));
  helpWithLibrary(server);
  stopOnInterrupt(server);
  completeStrings(server);
  if (history !== undefined) server.setupHistory(history, () => {});
  const ended = new Promise<void>((resolve) => server.once("exit", resolve));
  if (lines) feedLines(server, lines, fed);
  await ended;
  held.update([]);
}

/** A few pairs of generated scenes: pictures of which one aspect differs. */
function samplePairs(): PairInput[] {
  const input = ({ scene, corrupt, question, answers }: Sample): PairInput => ({
    image: draw(scene).picture,
    corruptImage: draw(corrupt).picture,
    question,
    answers,
  });
  return tasks.flatMap((task) =>
    Array.from({ length: PAIRS_A_TASK }, (_, index) => input(sampleAt(task, SEED, index))),
  );
}

/** Both passes of the first pair that the model has words for. */
async function firstPair(blip: Model, pairs: readonly PairInput[]): Promise<Pair | undefined> {
  for (const input of pairs)
    try {
      return await blip.pair(input);
    } catch (error) {
      if (!(error instanceof NoticeError)) throw error;
    }
  return undefined;
}

/** `L2` and `L2H1` for every layer and head that there is, to be spread into a selection. */
function headNames(blip: Model): Record<string, { layer: number; head?: number }> {
  const sizes = towersOf(blip).map(([, { size }]) => size(blip.config));
  const [layers, heads] = [
    Math.max(...sizes.map(({ layers }) => layers)),
    Math.max(...sizes.map(({ heads }) => heads)),
  ];
  const names: Record<string, { layer: number; head?: number }> = {};
  for (let layer = 0; layer < layers; layer++) {
    names[`L${layer}`] = { layer };
    for (let head = 0; head < heads; head++) names[headName({ layer, head })] = { layer, head };
  }
  return names;
}

/** `L0H9` of a model that has no such head: which there are. */
function headError(value: unknown, blip: Model): NoticeError | undefined {
  if (!(value instanceof ReferenceError)) return undefined;
  const [, place] = /^(L\d+(?:H\d+)?) is not defined/.exec(value.message) ?? [];
  if (place === undefined) return undefined;
  const sizes = towersOf(blip).map(([tower, { size }]) => {
    const { layers, heads } = size(blip.config);
    return `${tower} has L0H0 to L${layers - 1}H${heads - 1}`;
  });
  return new NoticeError("site", `There is no ${place} in ${blip.name}: ${sizes.join(", ")}.`);
}

function define(values: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(values))
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: true });
}

function greeting(blip: Model): string {
  return (
    `${inspect(blip)}\n` +
    "blip, pairs, pair (the first), tf, show, overlay, all that vlm-notice exports;\n" +
    "L1H2 is { layer: 1, head: 2 }. Tab completes, .help shows what there is, Ctrl-D ends.\n" +
    `Try: await sweep(pair, { site: "${mainSites(blip.architecture)[0]}" })\n`
  );
}

/** Gives the prompt a line whenever it is ready for one. */
function feedLines(server: REPLServer, lines: AsyncIterator<string>, input: PassThrough): void {
  server.displayPrompt = async () => {
    const { done, value } = await lines.next();
    if (done) input.end();
    else input.write(`${value}\n`);
  };
  server.displayPrompt();
}

/** Before and after each line: an error of the line before left its variables unseen. */
function freeReplaced(server: REPLServer, free: () => void): void {
  const evaluate = server.eval;
  const freeing: typeof evaluate = function (this: REPLServer, code, context, file, done) {
    free();
    evaluate.call(this, code, context, file, (...result) => {
      done(...result);
      free();
    });
  };
  Object.assign(server, { eval: freeing });
}

/**
 * Ctrl-C ends what the line computes; the prompt would go on without waiting for it, and it would go on beside the
 * prompt.
 */
function stopOnInterrupt(server: REPLServer): void {
  const ofLine = new AsyncLocalStorage<AbortSignal>();
  let current = new AbortController();
  stopWith(() => ofLine.getStore());
  server.on("SIGINT", () => current.abort(new NoticeError("options", "Stopped by Ctrl-C.")));
  const evaluate = server.eval;
  const stoppable: typeof evaluate = function (this: REPLServer, ...line) {
    current = new AbortController();
    ofLine.run(current.signal, () => evaluate.apply(this, line));
  };
  Object.assign(server, { eval: stoppable });
}

/** Sites, positions and the like within strings; JavaScript everywhere else. */
function completeStrings(server: REPLServer): void {
  const complete = server.completer as (
    line: string,
    done: (error: Error | null, found: [string[], string]) => void,
  ) => void;
  const completer: typeof complete = (line, done) => {
    const { pair } = globalThis as { pair?: unknown };
    const found = completeString(line, pair instanceof Pair ? pair.question.tokens : []) ?? completeOption(line);
    if (found) done(null, found);
    else complete(line, done);
  };
  Object.assign(server, { completer });
}
