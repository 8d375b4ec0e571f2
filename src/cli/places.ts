import { InvalidArgumentError } from "commander";
import type { HeadPlace } from "../patching/head-place.js";
import type { Selection } from "../patching/selection.js";
import { checkSite } from "../patching/sites.js";
import { tokenPosition } from "./options.js";

/** What was named on the command line, with its name there. */
export interface Named<Place> {
  readonly name: string;
  readonly place: Place;
}

/** For an option that is given several names. */
export const collect =
  <Place>(parse: (name: string) => Place) =>
  (name: string, before: readonly Named<Place>[] = []): readonly Named<Place>[] => [
    ...before,
    { name, place: parse(name) },
  ];

/** `L2H3`, or `L2` where `H3` may be left out. */
const HEAD = String.raw`L(\d{1,3})(?:H(\d{1,4}))?`;

/** `L2H3` */
export function parseHead(name: string): HeadPlace {
  const [, layer, head] = new RegExp(`^${HEAD}$`).exec(name) ?? [];
  if (head === undefined) throw new InvalidArgumentError("A head such as L2H3 was expected.");
  return { layer: Number(layer), head: Number(head) };
}

/**
 * `text.cross.z:L0H1@answer`: a site, a layer, a head where the site has heads (default: all), and a position (default:
 * all).
 */
export function parsePlace(name: string, instead = ""): Selection {
  const [, site, layer, head, position] = new RegExp(`^([\\w.]+):${HEAD}(?:@(.+))?$`).exec(name) ?? [];
  if (site === undefined)
    throw new InvalidArgumentError(`${JSON.stringify(name)} is no place such as text.cross.z:L0H1${instead}.`);
  // What goes with what is checked against the model.
  return {
    site: checkSite(site),
    layer: Number(layer),
    head: head === undefined ? undefined : Number(head),
    position: position === undefined ? undefined : tokenPosition(position),
  } as Selection;
}
