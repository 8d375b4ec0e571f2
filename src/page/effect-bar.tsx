import type { VNode } from "preact";
import { hex, NEGATIVE, POSITIVE } from "./colour.js";
import { twoDecimals } from "./number.js";

/** A causal score, with what it is compared with. */
export interface EffectScore {
  /** 0 is nothing, 1 all of the answer; null where none is defined. */
  readonly effect: number | null;
  /** Where the scores of something that carries nothing lie, and what that is: "95% of random heads". */
  readonly null?: { readonly low: number; readonly high: number; readonly meaning: string } | undefined;
}

const WIDTH = 240;

/** An effect as a bar from 0, over the range of its null, and in words. */
export function EffectBar({ effect, null: none }: EffectScore): VNode {
  if (effect === null) return <p class="effect">No effect is defined: clean and corrupted answers hardly differ.</p>;
  const ends = [0, 1, effect, none?.low ?? 0, none?.high ?? 0];
  const [lowest, highest] = [Math.min(...ends), Math.max(...ends)];
  const at = (value: number) => ((value - lowest) / (highest - lowest)) * WIDTH;
  const bar = (from: number, to: number) => ({ x: Math.min(at(from), at(to)), width: Math.abs(at(to) - at(from)) });
  const said = `effect ${twoDecimals(effect)}${none ? `; ${readingOf(effect, none)}` : ""}`;
  return (
    <div class="effect">
      <svg width={WIDTH} height={16} role="img" aria-label={said}>
        <rect class="track" x={0} y={7} width={WIDTH} height={2} fill="#c4c4c4" />
        {none && <rect class="null" {...bar(none.low, none.high)} y={1} height={14} fill="#c4c4c4" />}
        <rect {...bar(0, effect)} y={4} height={8} fill={hex(effect < 0 ? NEGATIVE : POSITIVE)} />
      </svg>
      <p>
        <strong>Effect {twoDecimals(effect)}</strong> of the answer{none && `: ${readingOf(effect, none)}`}.
      </p>
    </div>
  );
}

function readingOf(effect: number, { low, high, meaning }: NonNullable<EffectScore["null"]>): string {
  const where = effect > high ? "above" : effect < low ? "below" : "within";
  return `${where} ${meaning} [${twoDecimals(low)}, ${twoDecimals(high)}]`;
}
