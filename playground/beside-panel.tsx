import type { VNode } from "preact";
import { Term } from "../src/page/term.js";
import { ComparisonPanel } from "./comparison-panel.js";
import { LongButton } from "./long-button.js";
import { pairFinding } from "./pair-finding.js";
import { megabytes } from "./pictures.js";
import { SideCard } from "./side-card.js";
import type { Store } from "./store.js";
import { type Beside, ownName, sideOf, type View } from "./view.js";

/** Another model on the same pair, and over many scenes. */
export function BesidePanel({ store }: { readonly store: Store }): VNode {
  const { beside } = store.view;
  return (
    <section aria-labelledby="beside">
      <h2 id="beside">Put another model beside it</h2>
      <p>
        Do the heads of another model do the same? It is shown the same two pictures, and is asked in its own way: some
        models answer questions, some say whether a sentence is true, some go on with a caption.
      </p>
      <Choice store={store} />
      {beside && (beside.facts ? <Both store={store} beside={beside} /> : <Progress store={store} beside={beside} />)}
    </section>
  );
}

/** Which model: one of the page's list, or a folder of the reader's own. */
function Choice({ store }: { readonly store: Store }): VNode {
  const { models, beside, model } = store.view;
  const others = models.slice(1);
  const isOwn = beside !== undefined && !others.some(({ name }) => name === beside.name);
  return (
    <>
      <div class="row">
        <label>
          Which model{" "}
          <select
            value={beside?.name ?? ""}
            disabled={!model.facts}
            onChange={({ currentTarget }) => void store.comparing.choose(currentTarget.value)}
          >
            <option value="">none</option>
            {others.map(({ name, does }) => (
              <option value={name}>{does ? `${name}: ${does}` : name}</option>
            ))}
            {isOwn && <option value={beside.name}>{beside.name}</option>}
          </select>
        </label>
        <label class="file">
          Take a model’s folder of your own
          <input
            type="file"
            multiple
            disabled={!model.facts}
            {...{ webkitdirectory: true }}
            onChange={({ currentTarget }) => void store.comparing.folder(Array.from(currentTarget.files ?? []))}
          />
        </label>
        {beside && (
          <button type="button" onClick={() => store.comparing.close()}>
            Close {beside.name}
          </button>
        )}
      </div>
      <p class="faint">
        A folder stays on this machine. One of the hub’s is offered here by{" "}
        <code>npx notice playground MODEL OTHER</code>, such as <code>Salesforce/blip-vqa-base</code>.
      </p>
    </>
  );
}

function Progress({ store, beside }: { readonly store: Store; readonly beside: Beside }): VNode {
  const { name, done, of, lost } = beside;
  if (lost)
    return (
      <p class="note">
        {name} is not there: {lost}{" "}
        {store.view.state.beside && (
          <button type="button" onClick={() => void store.comparing.choose(name)}>
            Open it again
          </button>
        )}
      </p>
    );
  return (
    <p>
      <label>
        Opening {name}
        {of > 0 && `, ${megabytes(done)} of ${megabytes(of)}`} <progress value={done} max={of || 1} />
      </label>
    </p>
  );
}

/** Both on the pair that is shown. */
function Both({ store, beside }: { readonly store: Store; readonly beside: Beside }): VNode {
  const { view } = store;
  const [one, other] = [
    { name: ownName(view), side: sideOf(view) },
    { name: beside.name, side: beside },
  ];
  const found = pairFinding(one, other);
  return (
    <>
      {found.length === 0 && (
        <div class="row">
          <LongButton
            store={store}
            work="both"
            disabled={!beside.found}
            onClick={() => void store.comparing.sweepBoth()}
          >
            Sweep both models
          </LongButton>
        </div>
      )}
      {found.map((sentence) => (
        <p>{sentence}</p>
      ))}
      <div class="heads">
        <SideCard number={1} {...one} other={other.side} onSelect={(head) => store.select(head, view.found?.token)} />
        <SideCard
          number={2}
          {...other}
          other={one.side}
          onSelect={(head) => store.comparing.select(head)}
          onAsk={asksApart(view, beside) ? (question, answers) => store.comparing.words(question, answers) : undefined}
        />
      </div>
      <p class="caution">
        Each <Term word="head" /> is patched where the answer is on its way: at the word of the right answer; in a model
        that reads from left to right, at the last word or mark. Both maps have one scale.
      </p>
      <ComparisonPanel store={store} beside={beside} />
    </>
  );
}

/** What the reader wrote or took for the page's model is nothing that another form can be made of. */
function asksApart({ state, own, model }: View, beside: Beside): boolean {
  const isOwn = Boolean(state.question ?? own.image ?? own.corruptImage ?? state.besideQuestion);
  return isOwn && (beside.facts?.form !== model.facts?.form || state.besideQuestion !== undefined);
}
