import { either, NoticeError } from "../base/errors.js";
import { nearest } from "../base/nearest.js";
import type { Architecture, Network, Tokens } from "../model/architecture.js";
import { type ArchitectureName, KNOWN, type TowersOf } from "../model/architectures.js";
import type { BlockSite } from "../model/blocks/block.js";
import type { AttentionValue } from "../model/kernels/attention.js";

/**
 * A named place in every layer of a tower, `tower.within`. Shapes of its value, batch left out:
 * `q`, `k`, `v`, `z` [token, head, headDim]; `pattern` [head, query, key]; `mlp.pre`, `mlp.post` [token, mlpWidth]; all
 * others [token, width]. docs/sites.md holds them beside their TransformerLens and Hugging Face names.
 * `Site<"blip-vqa">` are those of one architecture.
 */
export type Site<A extends ArchitectureName = ArchitectureName> = A extends ArchitectureName
  ? SiteIn<TowersOf<A>>
  : never;

type SiteIn<Towers> = { [T in keyof Towers & string]: `${T}.${Within<Towers[T]>}` }[keyof Towers & string];

type Within<Tower> = Tower extends { readonly sites: readonly (infer W extends string)[] } ? W : never;

/** A site whose value has one part a head: only there can a head be chosen. */
export type HeadSite<A extends ArchitectureName = ArchitectureName> = Extract<
  Site<A>,
  `${string}.${Exclude<AttentionValue, "out">}`
>;

/** A site whose positions are the question's tokens: only there can a word be chosen. */
export type QuestionSite<A extends ArchitectureName = ArchitectureName> = A extends ArchitectureName
  ? QuestionSiteIn<TowersOf<A>>
  : never;

type QuestionSiteIn<Towers> = {
  [T in keyof Towers & string]: {
    [W in Within<Towers[T]>]: TokensAt<Towers, T, W> extends "question" ? `${T}.${W}` : never;
  }[Within<Towers[T]>];
}[keyof Towers & string];

/** What stands at a site's positions: the keys and values of cross-attention are of what is attended to. */
type TokensAt<Towers, T extends keyof Towers, W> = W extends "cross.k" | "cross.v"
  ? Towers[T] extends { readonly attends: { readonly tower: infer Attended extends keyof Towers } }
    ? TokensOf<Towers[Attended]>
    : never
  : TokensOf<Towers[T]>;

type TokensOf<Tower> = Tower extends { readonly tokens: infer Kind } ? Kind : never;

/** Queries, keys and values: what heads read the stream into. */
export type ReadSite<A extends ArchitectureName = ArchitectureName> = Extract<Site<A>, `${string}.${"q" | "k" | "v"}`>;

/** The heads' outputs, of which circuits are made. */
export type CircuitSite<A extends ArchitectureName = ArchitectureName> = Extract<Site<A>, `${string}.z`>;

/** A site taken apart. */
export interface SiteParts {
  readonly site: Site;
  readonly tower: string;
  /** Its name within the block. */
  readonly within: BlockSite;
  /** Its value has one part a head. */
  readonly perHead: boolean;
  /** Its value is a pattern [head, query, key]: the position is the query's. */
  readonly isPattern: boolean;
  /** The tower whose positions it has: the keys and values of cross-attention belong to what is attended to. */
  readonly tokensOf: string;
  /** What stands at these positions. */
  readonly tokens: Tokens;
}

/** Every site of an architecture, in the order in which a pass computes them within a layer. */
export function sitesOf<A extends ArchitectureName>(architecture: Architecture & { readonly name: A }): Site<A>[];
export function sitesOf(architecture: Architecture): Site[];
export function sitesOf({ towers }: Architecture): Site[] {
  return Object.entries(towers).flatMap(([tower, { sites }]) => sites.map((within) => `${tower}.${within}` as Site));
}

/**
 * The sites that circuits are made of: the `z` of every attention. All of an answer passes through those of the last
 * tower.
 */
export function circuitSites(architecture: Architecture): CircuitSite[] {
  return sitesOf(architecture).filter((site): site is CircuitSite => site.endsWith(".z"));
}

/**
 * What is patched where nobody says what, the heads that look at the picture first: of the tower that reads the
 * question, the `z` of each attention and the output of each block.
 */
export function mainSites({ towers }: Architecture): Site[] {
  const [name, { sites }] = Object.entries(towers).find(([, { tokens }]) => tokens === "question")!;
  const main = ["cross.z", "self.z", "resid_post"] as const;
  return main.filter((within) => sites.includes(within)).map((within) => `${name}.${within}` as Site);
}

/** Every site of every architecture. */
export const SITES: readonly Site[] = [...new Set(KNOWN.flatMap(sitesOf))];

/** What the authors' code calls the places that it patches. */
const IN_NOTICE: Readonly<Record<string, Site>> = {
  crossattention_block: "text.cross.z",
  attention_block: "text.self.z",
  output: "text.resid_post",
};

/** @throws NoticeError `site` with the nearest site that there is. */
export function parseSite({ architecture }: Pick<Network, "architecture">, given: string): SiteParts {
  const { towers } = architecture;
  const site = typeof given === "string" ? given : typeof given;
  const name = site.slice(0, site.indexOf("."));
  const tower = Object.hasOwn(towers, name) ? towers[name] : undefined;
  const within = tower?.sites.find((within) => `${name}.${within}` === site);
  if (!tower || !within)
    throw new NoticeError(
      "site",
      `There is no site ${JSON.stringify(site.slice(0, 80))}. Did you mean ${meant(architecture, site)}? ` +
        `A site is ${either(Object.keys(towers))}, then resid_pre, self.{q,k,v,pattern,z,out}, resid_mid, cross.{the same} and ` +
        `resid_cross${without(architecture)}, mlp.{pre,post,out} or resid_post.`,
    );
  const value = within.includes("self.") || within.includes("cross.") ? within.split(".")[1] : undefined;
  const tokensOf = within === "cross.k" || within === "cross.v" ? tower.attends!.tower : name;
  return {
    site: site as Site,
    tower: name,
    within,
    perHead: value !== undefined && value !== "out",
    isPattern: value === "pattern",
    tokensOf,
    tokens: towers[tokensOf]!.tokens,
  };
}

/** A site of any architecture, before a model is loaded. @throws NoticeError `site` as `parseSite` */
export function checkSite(site: string): Site {
  return SITES.find((one) => one === site) ?? parseSite({ architecture: KNOWN[0]! }, site).site;
}

function meant(architecture: Architecture, site: string): string {
  if (Object.hasOwn(IN_NOTICE, site)) return IN_NOTICE[site]!;
  return inTransformerLens(architecture, site) ?? nearest(site, sitesOf(architecture))!;
}

/** TransformerLens's names of what a block computes, without `hook_`. */
const HOOKS: Readonly<Record<string, BlockSite>> = {
  "attn.q": "self.q",
  "attn.k": "self.k",
  "attn.v": "self.v",
  "attn.pattern": "self.pattern",
  "attn.z": "self.z",
  "attn.result": "self.z",
  attn_out: "self.out",
  "mlp.pre": "mlp.pre",
  "mlp.post": "mlp.post",
  mlp_out: "mlp.out",
  resid_pre: "resid_pre",
  resid_mid: "resid_mid",
  resid_post: "resid_post",
};

/**
 * `blocks.0.attn.hook_z` -> the site of the tower that reads the question, and where the layer goes; undefined for
 * other names.
 */
function inTransformerLens({ towers }: Architecture, site: string): string | undefined {
  const [, layer, module = "", hook] = /^blocks\.(\d{1,4})\.(attn\.|mlp\.)?hook_(\w+)$/.exec(site) ?? [];
  const within = new Map(Object.entries(HOOKS)).get(`${module}${hook}`);
  const tower = Object.keys(towers).find((name) => towers[name]!.tokens === "question");
  return within && tower && `${tower}.${within} with { layer: ${layer} }`;
}

/** Which towers have no cross-attention, in brackets. */
function without({ towers }: Architecture): string {
  const names = Object.keys(towers).filter((name) => !towers[name]!.attends);
  return names.length === 0 ? "" : ` (both not in ${names.join(", ")})`;
}
