import type { Command } from "commander";
import { findPaths, type PathsAsked } from "../jobs/paths.js";
import type { Score } from "../patching/metrics.js";
import type { Receiver, Sender } from "../patching/paths.js";
import { fixed3 } from "./decimals.js";
import { columns, modelCommand, withBackend, withJson } from "./options.js";
import { printResult } from "./outputs.js";
import { type PairListOptions, withListOrOne, withPairList } from "./pair-list.js";
import { type DirectionOptions, type OnePairOptions, withDirection, withPair } from "./pair-options.js";
import { collect, type Named, parsePlace } from "./places.js";

interface PathCommandOptions extends PairListOptions, OnePairOptions, DirectionOptions {
  readonly from: readonly Named<Sender>[];
  readonly to: readonly Named<Receiver>[];
  readonly mediated?: boolean;
}

/** `notice path MODEL`: how much of a sender's effect goes to each receiver. */
export function pathCommand(): Command {
  const command = modelCommand(
    "path",
    "patch only the paths from some heads to others (or to the answer), and score each",
  )
    .requiredOption(
      "--from <places...>",
      "senders, such as text.cross.z:L0H1 or vision.self.z:L3H0@0,5 or @box:10,20,64,64 (see sweep --help)",
      collect((name) => parsePlace(name) as Sender),
    )
    .requiredOption(
      "--to <places...>",
      "receivers: q, k or v of a head such as text.self.q:L2H3, a layer's input such as text.resid_pre:L2, or answer",
      collect((name) => (name === "answer" ? name : parsePlace(name, " or answer")) as Receiver),
    )
    .option(
      "--mediated",
      "let the heads between sender and receiver respond too; default: only direct paths, and one that is none is refused",
    );
  withPairList(withDirection(withPair(command)), []);
  return withJson(withBackend(command)).action(runPath);
}

async function runPath(model: string, options: PathCommandOptions): Promise<void> {
  const { direction, mediated = false } = options;
  const [from, to] = [options.from, options.to].map((places) => places.map(({ name }) => name)) as [string[], string[]];
  const [senders, receivers] = [options.from.map(({ place }) => place), options.to.map(({ place }) => place)];
  const asked: PathsAsked = { senders, receivers, direction, mediated };
  await withListOrOne(model, options, {
    async list(file) {
      const { pathPairs } = await import("./path-pairs.js");
      await pathPairs(model, file, asked, { from, to }, options);
    },
    async one(pair, loaded, { image }) {
      const { paths: found, together, plain, ...facts } = await findPaths(loaded, pair, image, asked);
      const paths = found.map((path, i) => ({ to: to[i]!, ...path }));
      const result = { model, direction, mediated, ...facts, from, paths, together, plain };
      const row = (name: string, { logitDiff, effect }: Score) => [name, fixed3(logitDiff), fixed3(effect)];
      const rows = [
        ...paths.map((path) => row(path.to, path)),
        row("these together", together),
        row("the plain patch", plain),
      ];
      const table = () =>
        `${direction} ${from.join(" and ")} along its paths\n\n${columns(rows, ["to", "logitDiff", "effect"])}`;
      await printResult(result, table, options);
    },
  });
}
