import type { ComponentChildren, VNode } from "preact";

/** What `CircuitCard` shows. */
export interface CircuitCardProps {
  /** A head, or a set of heads. */
  readonly title: string;
  /** What it does, in a sentence. */
  readonly summary?: string;
  /** What is known of it: "keeps alone", "71% [66, 76]". */
  readonly facts: readonly (readonly [what: string, value: string])[];
  /** Its pictures, and what leads on. */
  readonly children?: ComponentChildren;
}

/** What was found of a head or a circuit. */
export function CircuitCard({ title, summary, facts, children }: CircuitCardProps): VNode {
  return (
    <article class="card" aria-label={title}>
      <h3>{title}</h3>
      {summary && <p>{summary}</p>}
      <dl>
        {facts.map(([what, value]) => (
          <div>
            <dt>{what}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {children}
    </article>
  );
}
