import type { VNode } from "preact";
import { twoDecimals } from "../src/page/number.js";
import { headName } from "../src/patching/head-place.js";
import { shownToken, strongestFirst, tokenName } from "./effects.js";
import { FORM_WORDS } from "./forms.js";
import { sideOf, type View } from "./view.js";

/** What patching is, in five steps, from the pair that is shown. */
export function Tour({ view }: { readonly view: View }): VNode {
  const { given, found, effects } = view;
  const [right, wrong] = given.answers;
  const words = FORM_WORDS[view.model.facts?.form ?? "question"];
  const token = shownToken(sideOf(view));
  const best = strongestFirst(effects).find((one) => one.token === token);
  const clean = found?.readings.clean.prob;
  const corrupted = found?.readings.corrupted.prob;
  const probability = (prob: number | undefined) => (prob === undefined ? "…" : `${(100 * prob).toFixed(0)}%`);
  return (
    <details class="tour">
      <summary>What is this? Five steps</summary>
      <ol>
        <li>
          The model is shown a picture and {words.given} “{given.question}”. It gives “{right}” {probability(clean)}.
        </li>
        <li>
          The second picture differs in one thing, so that “{wrong}” is right. There “{right}” gets{" "}
          {probability(corrupted)}.
        </li>
        <li>
          Now a patch: while the model looks at the second picture, one head gets the value that it had with the first.
          Everything after it is computed anew.
        </li>
        <li>
          {best
            ? `Here ${headName(best)} at “${tokenName(view, token)}”, the token of the map below, brings back ${twoDecimals(best.effect)} of the answer: more than any other head there.`
            : "How much of the answer comes back is the head’s effect. Press “Sweep all heads” to see it for each."}
        </li>
        <li>
          {effects.length > 0 ? "The map shows all heads. " : ""}Choose one to see where it looks, then switch it off:
          if the answer depends on it, the bars move.
        </li>
      </ol>
    </details>
  );
}
