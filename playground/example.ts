import { readFile, writeFile } from "node:fs/promises";
import { openModel } from "../src/files/open.js";
import { scenePair } from "./scenes.js";
import { Session } from "./session.js";
import { START } from "./state.js";
import type { Effects, Example } from "./view.js";

// `npx tsx playground/example.ts` writes what the page shows before the model is there: its first scene, swept.

/** What the embedded model says of the first scene. */
export async function makeExample(): Promise<Example> {
  const { files } = await openModel("weights/scenes");
  const session = await Session.open(files, "wasm");
  const found = await session.pair(scenePair(START.task, START.scene));
  const effects: Effects[number][] = [];
  await session.sweep((layer, found) => {
    effects[layer] = found;
  }, new AbortController().signal);
  const token = found.token!;
  const at = effects
    .flatMap((heads, layer) => heads!.map((tokens, head) => ({ layer, head, token, effect: tokens[token] ?? 0 })))
    .reduce((a, b) => (b.effect > a.effect ? b : a));
  const place = { layer: at.layer, head: at.head, token };
  return { found, effects, looked: { ...(await session.look(place)), at: place } };
}

export const EXAMPLE = "playground/example.json";

/** As the file has it: five digits say all that the page shows. */
export const exampleText = (example: Example) =>
  `${JSON.stringify(example, (_, value) => (typeof value === "number" ? Number(value.toPrecision(5)) : value))}\n`;

export const keptExample = async () => JSON.parse(await readFile(EXAMPLE, "utf8")) as Example;

if (process.argv[1]?.endsWith("example.ts")) await writeFile(EXAMPLE, exampleText(await makeExample()));
