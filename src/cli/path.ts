import { Command, InvalidArgumentError } from "commander";
import { patch, type Selection } from "../patching/patch.js";
import { patchPath, type Receiver } from "../patching/paths.js";
import { parseSite } from "../patching/sites.js";
import {
  checkOutputs,
  columns,
  indices,
  type JsonOptions,
  loadModel,
  type ModelOptions,
  printResult,
  withBackend,
  withJson,
} from "./options.js";
import { type PairOptions, pairInput, withPair } from "./pair-options.js";

interface PathCommandOptions extends ModelOptions, JsonOptions, PairOptions {
  readonly from: readonly Named<Selection>[];
  readonly to: readonly Named<Receiver>[];
  readonly mediated?: boolean;
}

interface Named<Place> {
  readonly name: string;
  readonly place: Place;
}

/** `notice path MODEL`: how much of a sender's effect goes to each receiver. */
export function pathCommand(): Command {
  const command = new Command("path")
    .description("patch only the paths from some heads to others (or to the answer), and score each")
    .argument("<model>", "checkpoint folder, or hub id such as Salesforce/blip-vqa-base")
    .requiredOption(
      "--from <places...>",
      "senders, such as text.cross.z:L0H1 or vision.self.z:L3H0@0,5",
      collect(parsePlace),
    )
    .requiredOption(
      "--to <places...>",
      "receivers: q, k or v of a head such as text.self.q:L2H3, a layer's input such as text.resid_pre:L2, or answer",
      collect((name): Receiver => (name === "answer" ? "answer" : parsePlace(name))),
    )
    .option("--mediated", "let the heads between respond too; default: only direct paths");
  return withJson(withBackend(withPair(command))).action(runPath);
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

const collect =
  <Place>(parse: (name: string) => Place) =>
  (name: string, before: readonly Named<Place>[] = []): readonly Named<Place>[] => [
    ...before,
    { name, place: parse(name) },
  ];

/** `text.cross.z:L0H1@answer`: a site, a layer, a head where the site has heads (default: all), and a position (default: all). */
function parsePlace(name: string): Selection {
  const [, site, layer, head, position] = /^([\w.]+):L(\d{1,3})(?:H(\d{1,4}))?(?:@(.+))?$/.exec(name) ?? [];
  if (site === undefined)
    throw new InvalidArgumentError(`${JSON.stringify(name)} is no place such as text.cross.z:L0H1.`);
  return {
    site: parseSite(site).site,
    layer: Number(layer),
    head: head === undefined ? undefined : Number(head),
    position: position !== undefined && /^\d[\d,-]*$/.test(position) ? indices(position) : position,
  };
}
