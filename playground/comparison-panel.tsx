import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { DataTable } from "../src/page/data-table.js";
import { Term } from "../src/page/term.js";
import { comparisonFinding } from "../src/report/comparison-finding.js";
import type { Comparison } from "../src/study/compared.js";
import { comparisonTables } from "../src/study/comparison-tables.js";
import { LongButton } from "./long-button.js";
import { OVERS } from "./state.js";
import type { Store } from "./store.js";
import { type Beside, ownName } from "./view.js";

/** What both models do over many scenes, as `notice compare` says it of two runs. */
export function ComparisonPanel({ store, beside }: { readonly store: Store; readonly beside: Beside }): VNode {
  const { state, comparison, done } = store.view;
  const [over, setOver] = useState<number>(state.over ?? OVERS[1]);
  return (
    <>
      <h3>Over many scenes</h3>
      <p>
        One pair may be an accident. Here both models are asked about the first {over} scenes of {state.task}; each is
        swept on those that it answers rightly, its <Term word="circuit" /> is read off, and what the heads in it look
        at.
      </p>
      <div class="row">
        <label>
          How many scenes{" "}
          <select value={over} onChange={({ currentTarget }) => setOver(Number(currentTarget.value))}>
            {OVERS.map((one) => (
              <option value={one}>{one}</option>
            ))}
          </select>
        </label>
        <LongButton
          store={store}
          work="compare"
          disabled={!beside.found}
          onClick={() => void store.comparing.compare(over)}
          done={`${done} of at most ${4 * over} steps`}
        >
          Compare over {over} scenes
        </LongButton>
      </div>
      {comparison && <Found comparison={comparison} names={[ownName(store.view), beside.name]} />}
    </>
  );
}

function Found({ comparison, names }: { readonly comparison: Comparison; readonly names: readonly string[] }): VNode {
  const [, ...tables] = comparisonTables(comparison);
  return (
    <>
      <p class="faint">
        Run 1 is {names[0]}, run 2 is {names[1]}. A head is in a circuit where its mean effect is two standard
        deviations above that of all heads. By where they look, heads have functions: <Term word="segmentation" />,{" "}
        <Term word="object inhibition" />, <Term word="outlier inhibition" />.
      </p>
      {comparisonFinding(comparison).map((sentence) => (
        <p class="finding">{sentence}</p>
      ))}
      {tables.map((one) => (
        <div class="text">
          <DataTable {...one} />
        </div>
      ))}
    </>
  );
}
