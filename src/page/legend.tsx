import type { ComponentChildren, VNode } from "preact";
import { cellColours, hex, overGrey } from "./colour.js";
import { decimals } from "./map.js";

/** What `Legend` shows. */
export interface LegendProps {
  /** What a number is, with its unit: "effect (1 = the clean answer fully restored)". */
  readonly legend: string;
  /** Where the colours end on both sides of 0. */
  readonly extent: number;
  /** Nothing is negative. */
  readonly sequential?: boolean;
  /** The colours lie over a picture in grey. */
  readonly overPicture?: boolean;
  /** What a number means, at length: behind a line that opens it. */
  readonly children?: ComponentChildren;
}

const WIDTH = 240;
const STEPS = 24;

/** A scale of colours, and what a number means. */
export function Legend({ legend, extent, sequential = false, overPicture = false, children }: LegendProps): VNode {
  const lowest = sequential ? 0 : -extent;
  const text = (value: number) => decimals(value, extent);
  const ticks = [
    ["start", 0, lowest],
    ["middle", WIDTH / 2, (lowest + extent) / 2],
    ["end", WIDTH, extent],
  ] as const;
  return (
    <div class="legend">
      <svg width={WIDTH} height={30} role="img" aria-label={`Colours from ${text(lowest)} to ${text(extent)}`}>
        {Array.from({ length: STEPS }, (_, i) => {
          const value = lowest + ((i + 0.5) / STEPS) * (extent - lowest);
          const fill = hex(overPicture ? overGrey(value, extent) : cellColours(value, extent)[1]);
          // Steps overlap, so that no gap shines through; the last ends where the scale does.
          const overlap = i < STEPS - 1 ? 0.5 : 0;
          return <rect x={(i * WIDTH) / STEPS} width={WIDTH / STEPS + overlap} height={12} fill={fill} />;
        })}
        <g class="labels" font-size={11} aria-hidden="true">
          {ticks.map(([anchor, x, value]) => (
            <text x={x} y={26} text-anchor={anchor}>
              {text(value)}
            </text>
          ))}
        </g>
      </svg>
      {children ? (
        <details>
          <summary>{legend}</summary>
          <div class="meaning">{children}</div>
        </details>
      ) : (
        <p>{legend}</p>
      )}
    </div>
  );
}
