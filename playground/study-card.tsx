import type { VNode } from "preact";
import { CircuitCard } from "../src/page/circuit-card.js";
import { twoDecimals } from "../src/page/number.js";
import { headName } from "../src/patching/head-place.js";
import study from "./study.json" with { type: "json" };
import type { View } from "./view.js";

interface StudyOfScenes {
  readonly samples: number;
  /** [layer][head]: mean, low, high. */
  readonly heads: readonly (readonly (readonly [number, number, number])[])[];
}

/** The effect of the chosen head over many scenes, beside that on this pair. */
export function StudyCard({ view: { state, model } }: { readonly view: View }): VNode | null {
  const { selected } = state;
  if (!selected || model.facts?.embedded === false) return null;
  const datasets = Object.entries(study.datasets as unknown as Record<string, StudyOfScenes>);
  const facts = datasets.flatMap(([name, { samples, heads }]) => {
    const found = heads[selected.layer]?.[selected.head];
    if (!found) return [];
    const [mean, low, high] = found.map(twoDecimals);
    return [[`${name} (${samples} pairs)`, `${mean} [${low}, ${high}]`] as const];
  });
  if (facts.length === 0) return null;
  return (
    <CircuitCard
      title={`${headName(selected)} over many scenes`}
      summary="Its mean effect at the right answer’s word, with the 95% interval of the mean, in the study of this model."
      facts={facts}
    />
  );
}
