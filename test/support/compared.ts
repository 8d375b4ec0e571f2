import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { codeOf } from "../../playground/code.js";
import { scenePair } from "../../playground/scenes.js";
import { Session } from "../../playground/session.js";
import { START, type State } from "../../playground/state.js";
import type { ModelFacts, View } from "../../playground/view.js";
import { openModel } from "../../src/files/open.js";
import { type CircuitRead, type Comparison, compareCircuits } from "../../src/study/compared.js";
import { temporaryFolder } from "./checkpoint.js";
import { noticeHere } from "./command.js";

const never = new AbortController().signal;
const OVER = 12;

/** What the page says of a kind of scenes, and the commands that it says do the same. */
export async function comparedInPage(models: readonly [string, string], task: State["task"]) {
  const read: CircuitRead[] = [];
  const runs: Comparison["runs"][number][] = [];
  const sides: Pick<View, "given" | "model">[] = [];
  for (const [run, from] of models.entries()) {
    const session = await Session.open((await openModel(from)).files, "wasm");
    const { facts } = session;
    const { architecture, form, position } = facts;
    runs.push({ folder: from, model: from, architecture, form, metric: "effect", position });
    read.push(await session.evidence({ task, scenes: OVER, run }, () => {}, never));
    const given = scenePair(task, START.scene, form);
    sides.push({ given, model: { done: 0, of: 0, facts: facts as ModelFacts } });
    session[Symbol.dispose]();
  }
  const [one, other] = sides as [(typeof sides)[number], (typeof sides)[number]];
  const view: View = {
    ...{ state: { ...START, task, over: OVER }, ...one, own: {}, effects: [], past: [], said: "" },
    models: models.map((from) => ({ name: from, address: "model", from })),
    beside: { name: models[1], facts: other.model.facts, given: other.given, effects: [], done: 0, of: 0 },
  };
  return { comparison: compareCircuits(runs, read), shell: codeOf(view).shell };
}

/** What the studies of a copied text find, and `notice compare` says of them. */
export async function comparedByCommands(shell: string): Promise<Comparison> {
  const folder = temporaryFolder();
  const json = join(folder, "compared.json");
  const lines = shell.replaceAll("\\\n", " ").trim().split("\n");
  for (const line of lines.filter((one) => / notice (study|compare) /.test(one))) {
    const words = Array.from(line.replaceAll("runs/", `${folder}/`).matchAll(/'([^']*)'|(\S+)/g), (m) => m[1] ?? m[2]!);
    const given = words[2] === "compare" ? ["--json", json] : [];
    const { code, stderr } = await noticeHere(...words.slice(2), ...given);
    assert.is(code, 0, stderr);
  }
  return JSON.parse(readFileSync(json, "utf8"));
}

/** Both say the same of one kind of scenes. */
export function isSame(page: Comparison, commands: Comparison, task: State["task"]): void {
  const own = commands.circuits.filter(({ dataset }) => dataset === task);
  const plain = (circuit: Comparison["circuits"][number]) => ({ ...circuit, depth: circuit.depth.map(rounded) });
  assert.equal(page.circuits.map(plain), own.map(plain));
  const pairOf = ({ circuits, pairs }: Comparison) => {
    const { a, b, named, functions } = pairs.find(({ a }) => circuits[a]!.dataset === task)!;
    assert.equal([circuits[a]!.run, circuits[b]!.run], [0, 1]);
    const rank =
      named && Object.fromEntries(Object.entries(named.rank).map(([name, value]) => [name, rounded(value!)]));
    return { functions, ...(named && { named: { ...named, rank } }) };
  };
  assert.equal(pairOf(page), pairOf(commands));
  assert.equal(
    page.runs.map(({ architecture, form, metric, position }) => [architecture, form, metric, position]),
    commands.runs.map(({ architecture, form, metric, position }) => [architecture, form, metric, position]),
  );
}

/** Passes of other batches differ in their last digits. */
const rounded = (value: number) => Math.round(1e3 * value) / 1e3;
