import { NoticeError, type NoticeErrorCode } from "../base/errors.js";
import { type AnswerAttention, answerAttention } from "../patching/answer-attention.js";
import { attributeAll } from "../patching/attribute.js";
import type { Model } from "../patching/model.js";
import type { Pair } from "../patching/pair.js";
import { pairsInOnePass, sweepTogether } from "../patching/sweep.js";
import type { PairResult, StudyPair, StudyResult, SweepResult } from "./messages.js";

/** Codes of errors that say something of a picture, a question or its answers. */
const IN_THE_PAIR: readonly NoticeErrorCode[] = ["image", "tokens", "options", "site"];

/** What of an error lies in the pair. @throws the error, where it does not: it would go wrong with the next pair too. */
export function refusal(error: unknown): { readonly refused: string } {
  if (error instanceof NoticeError && IN_THE_PAIR.includes(error.code)) return { refused: error.message };
  throw error;
}

interface Opened {
  readonly item: StudyPair;
  readonly pair?: Pair;
  readonly refused?: string;
}

/**
 * What is to be found out about the pairs of a sample. Pairs that ask for the same are swept together, as many as gains anything:
 * all of a small model's, one of a large one's. How many follows from the sample alone, so its scores do not depend on its neighbours.
 *
 * @param onProgress called between passes.
 */
export async function studySample(
  blip: Model,
  items: readonly StudyPair[],
  onProgress: () => void,
): Promise<StudyResult> {
  const results: PairResult[] = [];
  let attention: AnswerAttention | null = null;
  while (results.length < items.length) {
    const group = await openGroup(blip, items.slice(results.length));
    try {
      const scores = await sweepGroup(group, onProgress);
      for (const opened of group) {
        const { pair } = opened;
        if (pair?.answerToken !== undefined) attention ??= await answerAttention(pair.clean, pair.answerToken);
        results.push(await resultOf(opened, onProgress, scores.get(opened)));
      }
    } finally {
      for (const { pair } of group) pair?.[Symbol.dispose]();
    }
  }
  return { pairs: results, attention };
}

/** The first pairs of a sample, as many as go through one pass. */
async function openGroup(blip: Model, items: readonly StudyPair[]): Promise<Opened[]> {
  const group: Opened[] = [];
  let most = 1;
  for (const item of items) {
    if (group.length >= most) break;
    let pair: Pair | undefined;
    try {
      pair = await blip.pair(item.input);
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

type Swept = readonly SweepResult[] | { readonly refused: string };

/** Every sweep of each pair, together where they ask for the same and none is refused. */
async function sweepGroup(group: readonly Opened[], onProgress: () => void): Promise<Map<Opened, Swept>> {
  const made = group.filter(({ pair }) => pair);
  const asked = new Set(made.map(({ item }) => JSON.stringify(item.sweeps)));
  if (made.length > 1 && asked.size === 1)
    try {
      return await sweepAll(made, onProgress);
    } catch (error) {
      refusal(error);
    }
  const found = new Map<Opened, Swept>();
  for (const one of made)
    try {
      found.set(one, (await sweepAll([one], onProgress)).get(one)!);
    } catch (error) {
      found.set(one, refusal(error));
    }
  return found;
}

async function sweepAll(made: readonly Opened[], onProgress: () => void): Promise<Map<Opened, SweepResult[]>> {
  const found = new Map(made.map((one) => [one, [] as SweepResult[]]));
  const pairs = made.map(({ pair }) => pair!);
  for (const options of made[0]!.item.sweeps) {
    const tables = await sweepTogether(pairs, { ...options, onProgress });
    for (const [i, one] of made.entries()) found.get(one)!.push(tables[i]!.toJSON());
  }
  return found;
}

async function resultOf(
  { item, pair, refused }: Opened,
  onProgress: () => void,
  swept: Swept = [],
): Promise<PairResult> {
  if (!pair) return { refused: refused! };
  if (!Array.isArray(swept)) return swept as { readonly refused: string };
  try {
    const { attribution } = item;
    const tables = attribution ? await attributeAll(pair, attribution.sites, { ...attribution, onProgress }) : [];
    const { answerToken, incorrectToken } = pair;
    const attributions = tables.map((table) => table.toJSON());
    return { scores: swept, attributions, tokens: pair.question.tokens, answerToken, incorrectToken };
  } catch (error) {
    return refusal(error);
  }
}
