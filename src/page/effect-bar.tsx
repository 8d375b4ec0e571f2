import type { VNode } from "preact";
import { hex, NEGATIVE, POSITIVE } from "./colour.js";
import { twoDecimals } from "./number.js";

/** A causal score, with what it is compared with. */
export interface EffectScore {
  /** 0 is nothing, 1 all of the answer; null where none is defined. */
  readonly effect: number | null;
  /** Where the scores of something that carries nothing lie, and what that is: "95% of random heads". */
  readonly null?: { readonly low: number; readonly high: number; readonly meaning: string } | undefined;
  /** Its place among all others, in a sentence. */
  readonly rank?: string | undefined;
}

const WIDTH = 240;
const NULL = "#a8a8a8";

/** An effect as a bar from 0, over the range of its null, with what each means beside it. */
export function EffectBar({ effect, null: none, rank }: EffectScore): VNode {
  if (effect === null) return <p class="effect">No effect is defined: clean and corrupted answers hardly differ.</p>;
  const ends = [0, 1, effect, none?.low ?? 0, none?.high ?? 0];
  const [lowest, highest] = [Math.min(...ends), Math.max(...ends)];
  // Half a pixel from both edges: ticks are a pixel wide.
  const at = (value: number) => 0.5 + ((value - lowest) / (highest - lowest)) * (WIDTH - 1);
  const bar = (from: number, to: number) => ({ x: Math.min(at(from), at(to)), width: Math.abs(at(to) - at(from)) });
  // Half of what is written under 1.
  const roomy = at(1) + 36 <= WIDTH;
  const colour = hex(effect < 0 ? NEGATIVE : POSITIVE);
  const moved = `${Math.abs(100 * effect).toFixed(0)}%`;
  return (
    <div class="effect">
      <p>
        <strong>Effect {twoDecimals(effect)}</strong>:{" "}
        {effect < 0 ? `the answer moves ${moved} further away` : `${moved} of the answer comes back`}
      </p>
      <svg width={WIDTH} height={30} aria-hidden="true">
        <rect class="track" x={0} y={7} width={WIDTH} height={2} fill="#c4c4c4" />
        {none && <rect class="null" {...bar(none.low, none.high)} y={1} height={14} fill={NULL} />}
        <rect {...bar(0, effect)} y={4} height={8} fill={colour} />
        <g class="labels" font-size={11}>
          <rect x={at(0) - 0.5} y={0} width={1} height={16} />
          <rect x={at(1) - 0.5} y={0} width={1} height={16} />
          <text x={at(0)} y={27} text-anchor={lowest < 0 ? "middle" : "start"}>
            0
          </text>
          <text x={roomy ? at(1) : WIDTH - 2} y={27} text-anchor={roomy ? "middle" : "end"}>
            1, all of it
          </text>
        </g>
      </svg>
      <ul class="key">
        <li>
          <Swatch fill={colour} /> this head
        </li>
        {none && (
          <li>
            <Swatch fill={NULL} /> {none.meaning}, {rangeOf(none)}: this head is{" "}
            {effect > none.high ? "above" : effect < none.low ? "below" : "within"}
          </li>
        )}
      </ul>
      {rank && <p>{rank}</p>}
    </div>
  );
}

/** Rounded to two decimals, a range near 0 would be none. */
function rangeOf({ low, high }: NonNullable<EffectScore["null"]>): string {
  const ends = [low, high].map(twoDecimals);
  return ends.every((end) => end === "0.00") ? "all near 0" : ends.join(" to ");
}

function Swatch({ fill }: { readonly fill: string }): VNode {
  return (
    <svg width={10} height={10} aria-hidden="true">
      <rect width={10} height={10} fill={fill} />
    </svg>
  );
}
