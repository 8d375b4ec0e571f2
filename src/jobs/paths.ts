import { z } from "zod";
import type { ImageInput, PairInput } from "../patching/inputs.js";
import type { Score } from "../patching/metrics.js";
import type { Model } from "../patching/model.js";
import type { Direction, Pair } from "../patching/pair.js";
import { patch } from "../patching/patch.js";
import { hasPath, patchPath, type Receiver, type Sender } from "../patching/paths.js";
import { inPicture } from "./image-position.js";
import { aList, anObject, defineJob, factsOf, type PairFacts, pairInput } from "./job.js";

/** From where to where paths lead. */
export interface PathsAsked {
  readonly senders: readonly Sender[];
  readonly receivers: readonly Receiver[];
  readonly direction: Direction;
  readonly mediated?: boolean;
}

/** A pair, and its paths. */
export interface PathsInput extends PathsAsked {
  readonly pair: PairInput;
}

/** How much of the senders' effect goes to each receiver by itself, to these together, and in all. */
export interface PathsFound extends PairFacts {
  readonly paths: readonly Score[];
  readonly together: Score;
  readonly plain: Score;
}

const input: z.ZodType<PathsInput> = z.object({
  pair: pairInput,
  senders: aList<Sender>(),
  receivers: aList<Receiver>(),
  direction: z.enum(["denoise", "noise"]),
  mediated: z.boolean().optional(),
});

/** Patches the paths from senders to each receiver. */
export const pathsJob = defineJob<PathsInput, PathsFound>(
  "paths",
  input,
  anObject<PathsFound>(),
  async (model, { pair, ...asked }, onPass) => {
    using made = await model.pair(pair);
    return await findPaths(model, made, pair.image, asked, onPass);
  },
);

/** @param image the clean picture of the pair. */
export async function findPaths(
  model: Model,
  pair: Pair,
  image: ImageInput,
  { direction, mediated, ...named }: PathsAsked,
  onPass?: () => void,
): Promise<PathsFound> {
  const senders = await Promise.all(named.senders.map((place) => inPicture(model, pair, place, image)));
  const receivers = await Promise.all(
    named.receivers.map((place) => (place === "answer" ? place : inPicture(model, pair, place, image))),
  );
  const together = await patchPath(pair, senders, receivers, { direction, mediated });
  const paths: Score[] = [];
  for (const receiver of receivers) {
    const sent = senders.filter((sender) => hasPath(pair, sender, receiver, { mediated }));
    paths.push(await patchPath(pair, sent, [receiver], { direction, mediated }));
    onPass?.();
  }
  return { ...factsOf(pair), paths, together, plain: await patch(pair, senders, { direction }) };
}
