import { isAbsolute, join, relative, resolve, sep } from "node:path";
import { isBelow } from "./jsonl.js";
import { Unusable } from "./unusable.js";

/** Where pictures of a list may lie: below its folder, or below another that somebody named. */
export interface Allowed {
  readonly folder: string;
  readonly pictures?: string | undefined;
  /** What the list is called. */
  readonly list: string;
}

/** A path of a list, from where this process is. @throws Unusable where it leads elsewhere. */
export function placed(path: string, { folder, pictures, list }: Allowed): string {
  if (isBelow(path)) return join(folder, path);
  const file = resolve(folder, path);
  const [first] = relative(pictures ?? folder, file).split(sep);
  if (pictures !== undefined && !path.includes("\0") && first !== ".." && !isAbsolute(first!)) return file;
  const below = `the ${list}'s folder${pictures === undefined ? "" : ` or ${pictures}`}`;
  const allows = `--data DIR${list === "table" ? " (the folder of openDataset)" : ""}`;
  throw new Unusable(
    "outside the folder",
    `${JSON.stringify(path.slice(0, 100))} is no path below ${below}; ${allows} allows paths below DIR`,
  );
}
