import type { VNode } from "preact";
import { type AnswerBar, AnswerBars, withRest } from "../src/page/answer-bars.js";
import { pictureUrl } from "../src/page/picture-url.js";
import { Term } from "../src/page/term.js";
import { Camera } from "./camera.js";
import { cautionOf } from "./caution.js";
import { pictureFrom } from "./pictures.js";
import { QuestionForm } from "./question-form.js";
import { MOST_SCENES, TASKS } from "./scenes.js";
import type { State } from "./state.js";
import type { Store } from "./store.js";
import { type ModelFacts, type Side, sideOf, type View } from "./view.js";

/** The pair: its two pictures, the question, and what the model says of both. */
export function PairPanel({ store }: { readonly store: Store }): VNode {
  const { state, given, found } = store.view;
  const caution = cautionOf(store.view);
  const anything = () => Math.floor(Math.random() * MOST_SCENES);
  return (
    <section aria-labelledby="pair">
      <h2 id="pair">A picture, and the same with one thing changed</h2>
      <div class="row">
        <label>
          Kind of scene{" "}
          <select
            value={state.task}
            onChange={({ currentTarget }) => store.scene(currentTarget.value as State["task"], state.scene)}
          >
            {TASKS.map((task) => (
              <option value={task}>{task}</option>
            ))}
          </select>
        </label>
        <button type="button" onClick={() => store.scene(state.task, anything())}>
          Draw another scene
        </button>
      </div>
      <p class="faint">Or drop a picture of your own on one of these, or paste one: it becomes the clean picture.</p>
      <Second view={store.view} />
      <div class="pair">
        <PairPicture store={store} which="image" />
        <PairPicture store={store} which="corruptImage" />
        <div>
          <QuestionForm
            key={`${given.question} ${given.answers}`}
            side={sideOf(store.view)}
            onAsk={(question, answers) => store.words(question, answers)}
          />
          {found ? <Says side={sideOf(store.view)} /> : <p>Waiting for the model …</p>}
        </div>
      </div>
      {caution && <p class="note">{caution}</p>}
      <p>
        The model sees the first picture in its <Term word="clean run" /> and the second in its{" "}
        <Term word="corrupted run" />.
      </p>
    </section>
  );
}

/** With what all others have together; a model with classes has no others. */
export const allAnswers = (answers: readonly AnswerBar[], facts: ModelFacts | undefined): readonly AnswerBar[] =>
  facts?.classes ? answers : withRest(answers);

/** The answers of both passes, once they are found. */
export function Says({ side: { found, facts } }: { readonly side: Side }): VNode {
  return (
    <>
      {(["clean", "corrupted"] as const).map((run) => (
        <AnswerBars
          caption={`${run === "clean" ? "Clean" : "Corrupted"}: the model says “${found!.says[run]}”`}
          answers={allAnswers(
            found!.top.map((one) => ({ text: one.text, prob: one[run] })),
            facts,
          )}
        />
      ))}
    </>
  );
}

/** One picture of one's own is not yet a pair. */
function Second({ view: { own, given } }: { readonly view: View }): VNode | null {
  if (Boolean(own.image) === Boolean(own.corruptImage)) return null;
  const [which, answer] = own.image ? ["corrupted", given.answers[1]] : ["clean", given.answers[0]];
  return (
    <p class="note">
      Now give the {which} picture too: much like yours, but one for which “{answer}” is the right answer. Until then
      two pictures are compared that have nothing to do with each other. Your question and its two answers stand beside
      them.
    </p>
  );
}

const NAMES = { image: "clean", corruptImage: "corrupted" } as const;

/** One of the two pictures. Another is dropped or pasted on it, or chosen. */
function PairPicture({ store, which }: { readonly store: Store; readonly which: "image" | "corruptImage" }): VNode {
  const { given, own } = store.view;
  const take = (file: Blob | null | undefined) =>
    file && pictureFrom(file).then((picture) => store.picture(which, picture), store.say);
  const name = NAMES[which];
  const { width, height } = given[which];
  return (
    <figure
      class="pair-picture"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        void take(event.dataTransfer?.files[0]);
      }}
    >
      <img class="pixels" src={pictureUrl(given[which])} alt={`The ${name} picture.`} {...{ width, height }} />
      <figcaption>
        {name}: “{given.answers[which === "image" ? 0 : 1]}” is right
        {own[which] && ", your own (it stays on this machine)"}
      </figcaption>
      <Camera name={name} onPicture={(picture) => store.picture(which, picture)} onError={store.say} />
      <label class="file">
        Take your own {name} picture
        <input type="file" accept="image/*" onChange={({ currentTarget }) => void take(currentTarget.files?.[0])} />
      </label>
    </figure>
  );
}
