import { attribute, type SiteAttribution } from "../patching/attribute.js";
import {
  type Faithfulness,
  type FaithfulnessCurve,
  faithfulness,
  faithfulnessCurve,
  type HeadAt,
  type HeadEffect,
  headEffects,
} from "../patching/faithful.js";
import type { Answers, Reading, Score } from "../patching/metrics.js";
import type { Direction, Mode, Pair } from "../patching/pair.js";
import { patch } from "../patching/patch.js";
import { patchPath, type Receiver, type Sender } from "../patching/paths.js";
import type { ScoresJson } from "../patching/scores.js";

/** Options but for what cannot travel to another process. */
export type Sendable<Options> = Options & { readonly onProgress?: undefined; readonly signal?: undefined };

/** What a result is about. */
export interface PairFacts {
  readonly mode: Mode;
  readonly answers: Answers;
  readonly clean: Reading;
  readonly corrupted: Reading;
}

/** From where to where paths lead. */
export interface PathsAsked {
  readonly senders: readonly Sender[];
  readonly receivers: readonly Receiver[];
  readonly direction: Direction;
  readonly mediated?: boolean;
}

/** How much of the senders' effect goes to each receiver by itself, to these together, and in all. */
export interface PathsFound extends PairFacts {
  readonly paths: readonly Score[];
  readonly together: Score;
  readonly plain: Score;
}

/** Which set of heads is tested, against how many random ones. */
export interface FaithfulAsked {
  readonly heads: readonly HeadAt[];
  readonly randomSets: number;
  readonly seed: number;
  /** For the curve, which is left out without it. */
  readonly ranked?: readonly HeadAt[];
}

export interface FaithfulFound extends PairFacts, Faithfulness {
  readonly curve?: FaithfulnessCurve;
}

/** What can be found out of a pair, by name: what is asked, and what is found. All of it can travel between processes. */
export interface Methods {
  readonly attribute: {
    readonly asked: Sendable<SiteAttribution>;
    readonly found: ScoresJson;
  };
  readonly paths: { readonly asked: PathsAsked; readonly found: PathsFound };
  readonly faithful: { readonly asked: FaithfulAsked; readonly found: FaithfulFound };
  readonly headEffects: { readonly asked: Record<string, never>; readonly found: readonly HeadEffect[] };
}

/** One of them. */
export type MethodName = keyof Methods;

/** Each calls `onProgress` after every batch of its passes. */
export const methods: {
  readonly [name in MethodName]: (
    pair: Pair,
    asked: Methods[name]["asked"],
    onProgress?: () => void,
  ) => Promise<Methods[name]["found"]>;
} = {
  attribute: async (pair, asked, onProgress) => (await attribute(pair, { ...asked, onProgress })).toJSON(),
  async paths(pair, { senders, receivers, direction, mediated }, onProgress) {
    const paths: Score[] = [];
    for (const receiver of receivers) {
      paths.push(await patchPath(pair, senders, [receiver], { direction, mediated }));
      onProgress?.();
    }
    return {
      ...factsOf(pair),
      paths,
      together: await patchPath(pair, senders, receivers, { direction, mediated }),
      plain: await patch(pair, senders, { direction }),
    };
  },
  async faithful(pair, { heads, randomSets, seed, ranked }, onProgress) {
    return {
      ...factsOf(pair),
      ...(await faithfulness(pair, heads, { randomSets, seed, onProgress })),
      ...(ranked ? { curve: await faithfulnessCurve(pair, ranked, { onProgress }) } : {}),
    };
  },
  headEffects: (pair, _, onProgress) => headEffects(pair, { onProgress }),
};

const factsOf = ({ mode, answers, readings }: Pair): PairFacts => ({ mode, answers, ...readings });
