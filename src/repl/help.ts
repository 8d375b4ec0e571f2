import type { REPLServer } from "node:repl";

/** What is written first, and what it gives. */
const LIBRARY: readonly (readonly [string, string])[] = [
  ["await blip.ask(pairs[0])", "the answer, and the likeliest tokens"],
  ["await blip.ask({ image, question })", "the same of a picture of your own, by its path"],
  ["pair = await blip.pair(pairs[1])", "a clean and a corrupted run, with two answers"],
  ['scores = await sweep(pair, { site: "text.cross.z" })', "what every head restores"],
  ['show(scores, { token: 3, metric: "prob" })', "another token, another score"],
  ['await patchHead(pair, { site: "text.cross.z", ...L1H2 })', "one head"],
  ['await attribute(pair, { site: "text.cross.z" })', "a sweep from one gradient"],
  ["await overlay(pair, L1H2)", "where a head looks"],
  ['pair.clean.at("text.cross.z", L1)', "a value: [token, head, headDim]"],
  ["sitesOf(blip.architecture)", "all sites"],
];

/** `.help`: the library first, then the prompt's own commands. */
export function helpWithLibrary(server: REPLServer): void {
  const columns = Math.max(...LIBRARY.map(([written]) => written.length)) + 2;
  const library = LIBRARY.map(([written, gives]) => `${written.padEnd(columns)}${gives}\n`).join("");
  const { action } = server.commands.help!;
  server.defineCommand("help", {
    help: "Show what the library does, and these commands",
    action(text) {
      this.output.write(`${library}\nTab completes names, sites and options. The guide is docs/guide.md.\n\n`);
      action.call(this, text);
    },
  });
}
