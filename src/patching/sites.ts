import { NoticeError } from "../errors.js";
import type { AttentionValue } from "../model/attention.js";
import { TOWERS, type Tower } from "../model/blip.js";
import type { BlockSite } from "../model/block.js";
import { nearest } from "../nearest.js";

type CommonSite = Exclude<BlockSite, `cross.${AttentionValue}` | "resid_cross">;

/**
 * A named place in every layer of a tower. Shapes of its value, batch left out:
 * `q`, `k`, `v`, `z` [token, head, headDim]; `pattern` [head, query, key]; `mlp.pre`, `mlp.post` [token, mlpWidth]; all others
 * [token, width]. docs/sites.md holds them beside their TransformerLens and Hugging Face names.
 */
export type Site = `vision.${CommonSite}` | `text.${BlockSite}` | `decoder.${BlockSite}`;

/** A site whose value has one part a head: only there can a head be chosen. */
export type HeadSite = Extract<Site, `${string}.${Exclude<AttentionValue, "out">}`>;

/** A site whose positions are the question's tokens: only there can a word be chosen. */
export type QuestionSite =
  | Exclude<Extract<Site, `text.${string}`>, "text.cross.k" | "text.cross.v">
  | "decoder.cross.k"
  | "decoder.cross.v";

/** Queries, keys and values: what heads read the stream into. */
export type ReadSite = Extract<Site, `${string}.${"q" | "k" | "v"}`>;

/** A site taken apart. */
export interface SiteParts {
  readonly site: Site;
  readonly tower: Tower;
  /** Its name within the block. */
  readonly within: BlockSite;
  /** Its value has one part a head. */
  readonly perHead: boolean;
  /** Its value is a pattern [head, query, key]: the position is the query's. */
  readonly isPattern: boolean;
  /** Whose tokens its positions are: the keys and values of cross-attention belong to what is attended to. */
  readonly tokensOf: Tower;
}

const ATTENTION: readonly AttentionValue[] = ["q", "k", "v", "pattern", "z", "out"];
const SELF: readonly BlockSite[] = ATTENTION.map((value) => `self.${value}` as const);
const CROSS: readonly BlockSite[] = ATTENTION.map((value) => `cross.${value}` as const);
const MLP: readonly BlockSite[] = ["mlp.pre", "mlp.post", "mlp.out"];

/** Every site, in the order in which a pass computes them within a layer. */
export const SITES: readonly Site[] = TOWERS.flatMap((tower) =>
  (
    [
      "resid_pre",
      ...SELF,
      "resid_mid",
      ...(tower === "vision" ? [] : [...CROSS, "resid_cross" as const]),
      ...MLP,
      "resid_post",
    ] as readonly BlockSite[]
  ).map((within) => `${tower}.${within}` as Site),
);

/** What the authors' code calls the places that it patches. */
const IN_NOTICE: Readonly<Record<string, Site>> = {
  crossattention_block: "text.cross.z",
  attention_block: "text.self.z",
  output: "text.resid_post",
};

/** @throws NoticeError `site` with the nearest site that there is. */
export function parseSite(site: string): SiteParts {
  if (!(SITES as readonly string[]).includes(site))
    throw new NoticeError(
      "site",
      `There is no site ${JSON.stringify(`${site}`.slice(0, 80))}. Did you mean ${meant(`${site}`)}? ` +
        "A site is vision, text or decoder, then resid_pre, self.{q,k,v,pattern,z,out}, resid_mid, cross.{the same} and " +
        "resid_cross (both not in vision), mlp.{pre,post,out} or resid_post.",
    );
  const tower = site.slice(0, site.indexOf(".")) as Tower;
  const within = site.slice(tower.length + 1) as BlockSite;
  const value = within.includes("self.") || within.includes("cross.") ? within.split(".")[1] : undefined;
  return {
    site: site as Site,
    tower,
    within,
    perHead: value !== undefined && value !== "out",
    isPattern: value === "pattern",
    tokensOf: within === "cross.k" || within === "cross.v" ? (tower === "text" ? "vision" : "text") : tower,
  };
}

function meant(site: string): string {
  return Object.hasOwn(IN_NOTICE, site) ? IN_NOTICE[site]! : nearest(site, SITES)!;
}
