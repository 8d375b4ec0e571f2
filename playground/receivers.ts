import { type Network, towersOf } from "../src/model/architecture.js";
import type { BlockSite } from "../src/model/blocks/block.js";
import type { Receiver } from "../src/patching/paths.js";

/** An attention of a model, and of each of its heads what it reads: [layer][head]. */
export interface Attention {
  readonly site: string;
  readonly says: string;
  readonly heads: readonly (readonly (readonly Receiver[])[])[];
}

/** All attentions of a model in the order in which data passes through them. */
export function attentionsOf(model: Network): Attention[] {
  return towersOf(model).flatMap(([tower, { size, sites, attends, tokens }]) => {
    const { layers, heads, keyValueHeads = heads } = size(model.config);
    const share = heads / keyValueHeads;
    const reads = (kind: string, layer: number, head: number): Receiver[] =>
      (["q", "k", "v"] as const).flatMap((value) => {
        if (!sites.includes(`${kind}.${value}` as BlockSite)) return [];
        const own = value === "q" ? Array.from({ length: share }, (_, i) => head * share + i) : head;
        return [{ site: `${tower}.${kind}.${value}`, layer, head: own } as Receiver];
      });
    const other = attends && model.architecture.towers[attends.tower]!.tokens;
    return (["self", "cross"] as const)
      .filter((kind) => sites.includes(`${kind}.q` as BlockSite))
      .map((kind) => ({
        site: `${tower}.${kind}`,
        says: `from the ${tokens} to ${kind === "self" ? "itself" : `the ${other}`}`,
        heads: Array.from({ length: layers }, (_, layer) =>
          Array.from({ length: keyValueHeads }, (_, head) => reads(kind, layer, head)),
        ),
      }));
  });
}
