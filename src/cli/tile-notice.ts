import { towerOf, towersOf } from "../model/architecture.js";
import type { Pair } from "../patching/pair.js";
import { countOf } from "../patching/run.js";
import { say } from "./streams.js";

/** So long a sweep, in seconds, is worth a word. */
const LONG = 20;

/**
 * Hears how far a sweep is. Of a picture in tiles it says once, after the first batch, what all of it will take, and
 * how it takes less.
 */
export function tileNotice({ model, clean, question }: Pair): (done: number, total: number) => void {
  const seen = towersOf(model).flatMap(([, { takes }]) => (takes ? [takes.tower] : []))[0];
  const image = question.image?.length ?? 0;
  const tiles = seen ? countOf(clean.activations, seen) / towerOf(model, seen).names(model.config).length : 1;
  const begun = performance.now();
  let silent = tiles <= 1;
  return (done, total) => {
    const seconds = ((performance.now() - begun) / 1000) * (total / done);
    if (silent || !(seconds >= LONG)) return;
    silent = true;
    say(
      `The picture is in ${tiles} tiles, which are ${image} of ${question.tokens.length} tokens. These ${total} patches take about ` +
        `${Math.ceil(seconds / 60)} min; --no-split takes the picture whole, as ${image / tiles} tokens.`,
    );
  };
}
