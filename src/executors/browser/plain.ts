import { Scores, type ScoresJson } from "../../patching/scores.js";

// What a job found, as it can be sent between a page and its worker: all is plain data but tables of scores. The page
// loads no schemas for that, which would weigh more than all else of it.

const TABLE = "table of scores";

/** In the worker. */
export function plain(found: unknown): unknown {
  return found instanceof Scores ? { [TABLE]: found.toJSON() } : mapped(found, plain);
}

/** In the page. */
export function typed(sent: unknown): unknown {
  const table = (sent as { readonly [TABLE]?: ScoresJson } | null | undefined)?.[TABLE];
  return table ? Scores.from(table) : mapped(sent, typed);
}

function mapped(value: unknown, change: (value: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(change);
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, change(part)]));
}
