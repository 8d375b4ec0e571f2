import type { VNode } from "preact";
import { AnswerBars } from "../src/page/answer-bars.js";
import { Term } from "../src/page/term.js";
import { pictureFrom, pictureUrl } from "./pictures.js";
import { MOST_SCENES, TASKS } from "./scenes.js";
import type { State } from "./state.js";
import type { Store } from "./store.js";

/** The pair: its two pictures, the question, and what the model says of both. */
export function PairPanel({ store }: { readonly store: Store }): VNode {
  const { state, given, found } = store.view;
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
      <div class="pair">
        <PairPicture store={store} which="image" />
        <PairPicture store={store} which="corruptImage" />
        <div>
          <Question store={store} key={`${given.question} ${given.answers}`} />
          {found ? (
            <>
              <AnswerBars
                caption={`Clean: the model says “${found.answer}”`}
                answers={found.top.map(({ text, clean }) => ({ text, prob: clean }))}
              />
              <AnswerBars
                caption="Corrupted: of the same answers"
                answers={found.top.map(({ text, corrupted }) => ({ text, prob: corrupted }))}
              />
            </>
          ) : (
            <p>Waiting for the model …</p>
          )}
        </div>
      </div>
      <p>
        The model sees the first picture in its <Term word="clean run" /> and the second in its{" "}
        <Term word="corrupted run" />.
      </p>
    </section>
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
        {name}
        {own[which] && ", your own (it stays on this machine)"}
      </figcaption>
      <label class="file">
        Take your own {name} picture
        <input type="file" accept="image/*" onChange={({ currentTarget }) => void take(currentTarget.files?.[0])} />
      </label>
    </figure>
  );
}

/** The question and its two answers. */
function Question({ store }: { readonly store: Store }): VNode {
  const { question, answers } = store.view.given;
  const ask = (event: SubmitEvent) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(given.get(name)).trim();
    store.words(text("question"), [text("right"), text("wrong")]);
  };
  return (
    <form class="question" onSubmit={ask}>
      <label>
        Question <input name="question" defaultValue={question} maxLength={200} required />
      </label>
      <label>
        Right answer <input name="right" defaultValue={answers[0]} maxLength={40} required />
      </label>
      <label>
        The other <input name="wrong" defaultValue={answers[1]} maxLength={40} required />
      </label>
      <button type="submit">Ask</button>
    </form>
  );
}
