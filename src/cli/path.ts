import { Command } from "commander";
import { patch } from "../patching/patch.js";
import { patchPath, type Receiver, type Sender } from "../patching/paths.js";
import {
  checkOutputs,
  columns,
  type JsonOptions,
  loadModel,
  type ModelOptions,
  printResult,
  withBackend,
  withJson,
} from "./options.js";
import { type DirectionOptions, type PairOptions, pairInput, withDirection, withPair } from "./pair-options.js";
import { collect, type Named, parsePlace } from "./places.js";

interface PathCommandOptions extends ModelOptions, JsonOptions, PairOptions, DirectionOptions {
  readonly from: readonly Named<Sender>[];
  readonly to: readonly Named<Receiver>[];
  readonly mediated?: boolean;
}

/** `notice path MODEL`: how much of a sender's effect goes to each receiver. */
export function pathCommand(): Command {
  const command = new Command("path")
    .description("patch only the paths from some heads to others (or to the answer), and score each")
    .argument("<model>", "checkpoint folder, or hub id such as Salesforce/blip-vqa-base")
    .requiredOption(
      "--from <places...>",
      "senders, such as text.cross.z:L0H1 or vision.self.z:L3H0@0,5",
      collect((name) => parsePlace(name) as Sender),
    )
    .requiredOption(
      "--to <places...>",
      "receivers: q, k or v of a head such as text.self.q:L2H3, a layer's input such as text.resid_pre:L2, or answer",
      collect((name) => (name === "answer" ? name : parsePlace(name)) as Receiver),
    )
    .option("--mediated", "let the heads between respond too; default: only direct paths");
  return withJson(withBackend(withDirection(withPair(command)))).action(runPath);
}

async function runPath(model: string, options: PathCommandOptions): Promise<void> {
  const input = pairInput(options);
  await checkOutputs({ "--json": options.json });
  using blip = await loadModel(model, options);
  using pair = await blip.pair(input);
  const { from, to, direction, mediated } = options;
  const senders = from.map(({ place }) => place);
  const paths = [];
  for (const { name, place } of to)
    paths.push({ to: name, ...(await patchPath(pair, senders, [place], { direction, mediated })) });
  const receivers = to.map(({ place }) => place);
  const result = {
    model,
    direction,
    mediated: mediated ?? false,
    mode: pair.mode,
    answers: pair.answers,
    ...pair.readings,
    from: from.map(({ name }) => name),
    paths,
    together: await patchPath(pair, senders, receivers, { direction, mediated }),
    plain: await patch(pair, senders, { direction }),
  };
  const row = (name: string, { logitDiff, effect }: { logitDiff: number; effect: number | null }) => [
    name,
    logitDiff.toFixed(3),
    effect?.toFixed(3) ?? "-",
  ];
  const rows = [
    ...paths.map((path) => row(path.to, path)),
    row("these together", result.together),
    row("the plain patch", result.plain),
  ];
  const table = () =>
    `${direction} ${result.from.join(" and ")} along its paths\n\n${columns(rows, ["to", "logitDiff", "effect"])}`;
  await printResult(result, table, options);
}
