import type { VNode } from "preact";
import { HeadMap } from "../src/page/head-map.js";
import { twoDecimals } from "../src/page/number.js";
import { Term } from "../src/page/term.js";
import { headName } from "../src/patching/head-place.js";
import { shownToken, tokenName } from "./effects.js";
import { LongButton } from "./long-button.js";
import type { Store } from "./store.js";
import { type PathsFound, sideOf, type View } from "./view.js";

/** From the chosen head to later heads, and on to the answer. */
export function PathsPanel({ store }: { readonly store: Store }): VNode {
  const { view } = store;
  const { found, paths } = view;
  const side = sideOf(view);
  const { selected } = side;
  const sender = selected && `${headName(selected)} at “${tokenName(side, shownToken(side))}”`;
  return (
    <section aria-labelledby="paths">
      <h2 id="paths">Follow a path</h2>
      <p>
        What a <Term word="head" /> writes is read by heads of later layers. Here only one of these at a time gets to
        see the patch; all others compute as before. What then comes back went along this <Term word="path" />.
      </p>
      <div class="row">
        <LongButton
          store={store}
          work="paths"
          disabled={!found || !selected}
          onClick={() => void store.paths()}
          done={`${view.done} paths so far`}
        >
          {sender ? `Follow ${sender}` : "Choose a head to follow"}
        </LongButton>
      </div>
      {paths && <Paths view={view} paths={paths} />}
    </section>
  );
}

function Paths({ view, paths }: { readonly view: View; readonly paths: PathsFound }): VNode {
  const { at, maps, direct, plain } = paths;
  const sender = `${headName(at)} at “${tokenName(view, at.token)}”`;
  const best = maps
    .flatMap(({ site, effects }) =>
      effects.flatMap((heads, layer) => heads.map((effect, head) => ({ site, layer, head, effect: effect ?? 0 }))),
    )
    .reduce((one, other) => (Math.abs(other.effect) > Math.abs(one.effect) ? other : one), NOWHERE);
  const extent = Math.max(0.1, Math.abs(best.effect));
  return (
    <>
      <p>
        {sender} brings back {plain === null ? "nothing that can be measured" : twoDecimals(plain)} in all.{" "}
        {direct === null
          ? "No path leads from it to the answer but through heads."
          : `${twoDecimals(direct)} goes straight to the answer.`}{" "}
        {best.site &&
          `Of single heads most goes through ${best.site} ${headName(best)}: ${twoDecimals(best.effect)}. So the path is ${sender} → ${best.site} ${headName(best)} → answer.`}
      </p>
      <div class="heads">
        {maps.map(({ site, says, effects }) => (
          <HeadMap
            key={site}
            map={{
              ...{
                values: effects,
                title: `Through ${site}, ${says}`,
                extent,
                legend: "effect that goes along this path",
              },
              ...(best.site === site && {
                marks: { cells: [[best.layer, best.head] as const], meaning: "the strongest path" },
              }),
              ...{ rows: { title: "layer" }, columns: { title: "head" } },
            }}
          />
        ))}
      </div>
      <p class="caution">
        × is a head that no direct path reaches, as those of earlier layers. Shares need not add up to the whole: some
        of the effect goes through several heads together.
      </p>
    </>
  );
}

const NOWHERE = { site: "", layer: 0, head: 0, effect: 0 };
