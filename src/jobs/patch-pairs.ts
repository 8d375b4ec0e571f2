import { z } from "zod";
import { NoticeError } from "../base/errors.js";
import { answerAttention, lookingToken } from "../patching/answer-attention.js";
import { type HeadAttention, headAttention, patchShares } from "../patching/attention-functions.js";
import { type AttributeOptions, attributeAll } from "../patching/attribute.js";
import { boxesOf } from "../patching/image-places.js";
import { type ImageInput, type PairInput, pictureOf } from "../patching/inputs.js";
import type { Model } from "../patching/model.js";
import type { Pair } from "../patching/pair.js";
import type { Scores } from "../patching/scores.js";
import type { Site } from "../patching/sites.js";
import { pairsInOnePass, sweepTogether } from "../patching/sweep.js";
import { anObject, defineJob, type OnPass, pairInput, type Sendable, scores } from "./job.js";
import { refusal } from "./refusal.js";
import type { SweepAsked } from "./sweep.js";

/** A pair, and what is to be found out about it. */
export interface PairAsked {
  readonly input: PairInput;
  readonly sweeps: readonly SweepAsked[];
  /** Also what gradients expect at these sites. */
  readonly attribution?: Sendable<AttributeOptions> & { readonly sites: readonly Site[] };
}

/** Pairs about one picture. */
export interface PatchPairsInput {
  readonly pairs: readonly PairAsked[];
  /** Also where the heads look, as `lookingToken` says, in the clean run of the first pair that has such a token. */
  readonly looks?: {
    /** 255 where the object is. */
    readonly mask?: ImageInput;
    /** Whether the patterns are wanted too. */
    readonly patterns: boolean;
  };
}

/** What became of a pair. */
export type PairFound =
  | {
      /** By site. */
      readonly attributions: readonly Scores[];
      readonly scores: readonly Scores[];
      /** The question's, and where the answers stand in it, if they do. */
      readonly tokens: readonly string[];
      readonly answerToken?: number;
      readonly incorrectToken?: number;
      readonly refused?: undefined;
    }
  | { readonly refused: string; readonly scores?: undefined; readonly attributions?: undefined };

/** Where a head looks. */
export interface HeadLook extends HeadAttention {
  readonly layer: number;
  readonly head: number;
  readonly pattern?: readonly number[];
}

/** What was found out about pairs. */
export interface PatchPairsFound {
  /** In their order. */
  readonly pairs: readonly PairFound[];
  /** Empty where there is no such token, or no pair could be made. */
  readonly looks: readonly HeadLook[];
  /** Why the mask was left out. */
  readonly unmasked?: string;
}

const input: z.ZodType<PatchPairsInput> = z.object({
  pairs: z.array(
    z.object({
      input: pairInput,
      sweeps: z.array(anObject<SweepAsked>()),
      attribution: anObject<NonNullable<PairAsked["attribution"]>>().optional(),
    }),
  ),
  looks: anObject<NonNullable<PatchPairsInput["looks"]>>().optional(),
});

const tables = z.array(scores);
const output: z.ZodType<PatchPairsFound> = z.object({
  pairs: z.array(
    z.union([
      z.object({ refused: z.string() }),
      z.object({
        attributions: tables,
        scores: tables,
        tokens: z.array(z.string()),
        answerToken: z.number().optional(),
        incorrectToken: z.number().optional(),
      }),
    ]),
  ),
  looks: z.array(anObject<HeadLook>()),
  unmasked: z.string().optional(),
});

/**
 * Patches everything that some pairs ask for. Pairs that ask for the same are swept together, as far as that is faster:
 * all pairs with a small model, one at a time with a large one. The number follows from the input alone, so scores do
 * not depend on other jobs.
 */
export const patchPairsJob = defineJob<PatchPairsInput, PatchPairsFound>("patchPairs", input, output, patchPairs);

async function patchPairs(model: Model, { pairs: items, looks }: PatchPairsInput, onPass: OnPass = () => {}) {
  const pairs: PairFound[] = [];
  let looked: Omit<PatchPairsFound, "pairs"> | undefined;
  while (pairs.length < items.length) {
    const group = await openGroup(model, items.slice(pairs.length));
    try {
      const scores = await sweepGroup(group, onPass);
      for (const opened of group) {
        const { pair } = opened;
        const token = looks && pair && lookingToken(pair);
        if (token !== undefined) looked ??= await looksOf(pair!, token, looks!);
        pairs.push(await resultOf(opened, onPass, scores.get(opened)));
      }
    } finally {
      for (const { pair } of group) pair?.[Symbol.dispose]();
    }
  }
  return { pairs, ...(looked ?? { looks: [] }) };
}

async function looksOf(pair: Pair, token: number, { mask, patterns: kept }: NonNullable<PatchPairsInput["looks"]>) {
  const { patterns, norms, side } = await answerAttention(pair.clean, token);
  let shares: number[] | undefined;
  let unmasked: string | undefined;
  try {
    if (mask !== undefined) shares = await sharesOf(pair, mask, side);
  } catch (error) {
    if (!(error instanceof NoticeError)) throw error;
    unmasked = error.message;
  }
  const looks = patterns.flatMap((heads, layer) =>
    heads.map((pattern, head) => ({
      ...{ layer, head, ...headAttention(pattern, norms, shares) },
      ...(kept && { pattern }),
    })),
  );
  return { looks, unmasked };
}

/** Of the object in each patch of the whole picture, which is the last tile. */
async function sharesOf({ model }: Pair, file: ImageInput, side: number): Promise<number[]> {
  const mask = await pictureOf(file);
  return patchShares(mask, side, boxesOf(model, mask).at(-1));
}

interface Opened {
  readonly item: PairAsked;
  readonly pair?: Pair;
  readonly refused?: string;
}

/** The first pairs, as many as go through one pass. */
async function openGroup(model: Model, items: readonly PairAsked[]): Promise<Opened[]> {
  const group: Opened[] = [];
  let most = 1;
  for (const item of items) {
    if (group.length >= most) break;
    let pair: Pair | undefined;
    try {
      pair = await model.pair(item.input);
      const room = item.sweeps.map((options) => pairsInOnePass(pair!, options));
      group.push({ item, pair });
      most = Math.max(most, ...room);
    } catch (error) {
      pair?.[Symbol.dispose]();
      group.push({ item, ...refusal(error) });
    }
  }
  return group;
}

type Swept = readonly Scores[] | { readonly refused: string };

/** Every sweep of each pair, together where they ask for the same and none is refused. */
async function sweepGroup(group: readonly Opened[], onPass: OnPass): Promise<Map<Opened, Swept>> {
  const made = group.filter(({ pair }) => pair);
  const asked = new Set(made.map(({ item }) => JSON.stringify(item.sweeps)));
  if (made.length > 1 && asked.size === 1)
    try {
      return await sweepAll(made, onPass);
    } catch (error) {
      refusal(error);
    }
  const found = new Map<Opened, Swept>();
  for (const one of made)
    try {
      found.set(one, (await sweepAll([one], onPass)).get(one)!);
    } catch (error) {
      found.set(one, refusal(error));
    }
  return found;
}

async function sweepAll(made: readonly Opened[], onPass: OnPass): Promise<Map<Opened, Scores[]>> {
  const found = new Map(made.map((one) => [one, [] as Scores[]]));
  const pairs = made.map(({ pair }) => pair!);
  for (const options of made[0]!.item.sweeps) {
    const tables = await sweepTogether(pairs, { ...options, onProgress: onPass });
    for (const [i, one] of made.entries()) found.get(one)!.push(tables[i]!);
  }
  return found;
}

async function resultOf({ item, pair, refused }: Opened, onPass: OnPass, swept: Swept = []): Promise<PairFound> {
  if (!pair) return { refused: refused! };
  if (!Array.isArray(swept)) return swept as { readonly refused: string };
  try {
    const { sites, ...options } = item.attribution ?? {};
    const attributions = sites ? await attributeAll(pair, sites, { ...options, onProgress: onPass }) : [];
    const { answerToken, incorrectToken } = pair;
    return { scores: swept, attributions, tokens: pair.question.tokens, answerToken, incorrectToken };
  } catch (error) {
    return refusal(error);
  }
}
