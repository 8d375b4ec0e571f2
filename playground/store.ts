import type { Form } from "../src/data/sample.js";
import type { HeadPlace } from "../src/patching/head-place.js";
import { Asking, exists, type SideChange } from "./asking.js";
import type { Client } from "./client.js";
import { Comparing } from "./comparing.js";
import { shownToken } from "./effects.js";
import { LongWork, type Page, wordsOf } from "./long-work.js";
import type { OfferedModel } from "./offered.js";
import { otherPairs, scenePair } from "./scenes.js";
import type { NewClient } from "./second-model.js";
import type { GpuChoice, PairGiven } from "./shown.js";
import { parseState, START, type State, stateHash } from "./state.js";
import { type Example, type ModelFacts, sideOf, type View } from "./view.js";

const OTHERS = 10;
const REFERENCES = 8;

/** How the page is begun. */
export interface Begun {
  readonly hash: string;
  readonly example: Example;
  readonly onChange: () => void;
  readonly newClient: NewClient;
  readonly gpu: GpuChoice;
}

/** The page's state, and all that can be done with it. Every change is a new view. */
export class Store {
  view: View;
  readonly #begun: Begun;
  readonly #asking: Asking;
  readonly #work: LongWork;
  /** Another model beside the page's own. */
  readonly comparing: Comparing;
  /** What was chosen for the reader, in the example. */
  #chosen: State | undefined;

  constructor(begun: Begun) {
    this.#begun = begun;
    const parsed = parseState(begun.hash);
    const state = parsed ?? START;
    const said = parsed ? "" : "The address of this page held nothing that it knows; here is its first example.";
    const base = {
      state,
      given: givenOf(state),
      own: {},
      model: { done: 0, of: 0 },
      effects: [],
      past: [],
      models: [],
    };
    this.view = this.#isExample(state) ? { ...base, said, ...this.#known(state) } : { ...base, said };
    const page: Page = { view: () => this.view, change: (change) => this.#change(change) };
    this.#work = new LongWork(page);
    this.#asking = new Asking({
      side: () => sideOf(this.view),
      change: (change) => this.#changeSide(change),
      say: (said) => this.#say(said),
    });
    this.comparing = new Comparing(page, this.#work, this.#asking, begun);
  }

  /** Begins to use a model; on the GPU, where that says the same, after its first answer. */
  async connect(address: string, models: Promise<readonly OfferedModel[]>): Promise<void> {
    const client = this.#begun.newClient(
      (error) => this.lose(error),
      (facts) => this.use(facts, "The GPU does not answer any more; the model goes on with wasm."),
    );
    this.#asking.client = client;
    try {
      const onProgress = (done: number, of: number) => this.#change({ model: { done, of } });
      const facts = await client.ask("open", [address], { onProgress });
      const { done, of } = this.view.model;
      this.#change({ model: { facts, done, of } });
      // What stood there was put as to the embedded model.
      if (!facts.embedded) {
        const state = this.#withoutChoice(this.view.state);
        this.#change({ state, given: this.#givenOf(state), found: undefined, effects: [], looked: undefined });
      }
      await this.#ask();
      this.use(await client.ask("gpu", [this.#givenOf(START), this.#begun.gpu]));
    } catch (error) {
      this.lose(error as Error);
      return;
    }
    this.#change({ models: await models });
    await this.comparing.follow();
  }

  /** What the model computes on now. */
  use(facts: ModelFacts, said = this.view.said): void {
    this.#change({ model: { ...this.view.model, facts }, said });
  }

  /** Says what went wrong, such as with a file. */
  readonly say = ({ message }: Error): void => this.#say(message);

  lose({ message }: Error): void {
    this.#change({ model: { done: 0, of: 0, lost: message }, busy: undefined, said: message });
  }

  /** Takes another state, as from the address. */
  async go(hash: string): Promise<void> {
    const state = parseState(hash);
    if (!state) return this.#say("That address held nothing that this page knows; nothing was changed.");
    this.#change({ state, given: this.#givenOf(state), own: {}, past: [] });
    await this.#ask();
    await this.comparing.follow();
  }

  scene(task: State["task"], scene: number): void {
    const { off, how, beside, over } = this.view.state;
    void this.go(stateHash({ task, scene, off, how, beside, over }));
  }

  picture(which: "image" | "corruptImage", picture: PairGiven["image"]): void {
    this.#change({ given: { ...this.view.given, [which]: picture }, own: { ...this.view.own, [which]: true } });
    void this.#ask();
  }

  words(question: string, answers: [string, string]): void {
    // The token that was chosen is another word now.
    const { token, ...kept } = this.view.state;
    const { answerPlace, ...given } = this.view.given;
    const place = answerPlace === "last" || question.includes(answerPlace ?? "") ? { answerPlace } : {};
    this.#change({ state: { ...kept, question, answers }, given: { ...given, ...place, question, answers } });
    void this.#ask();
  }

  select(selected: HeadPlace, token = this.view.state.token ?? this.view.found?.token ?? 0): void {
    this.#change({ state: { ...this.view.state, selected, token } });
    void this.#asking.look();
  }

  /** Switches a head off, or on again. */
  toggle(place: HeadPlace): void {
    const { off } = this.view.state;
    const without = off.filter(({ layer, head }) => layer !== place.layer || head !== place.head);
    this.switchOff(without.length < off.length ? without : [...off, place]);
  }

  switchOff(off: readonly HeadPlace[], past = [...this.view.past, this.view.state.off]): void {
    this.#change({ state: { ...this.view.state, off }, past });
    void this.#intervene();
  }

  undo(): void {
    const { past } = this.view;
    this.switchOff(past.at(-1) ?? [], past.slice(0, -1));
  }

  how(how: State["how"]): void {
    this.#change({ state: { ...this.view.state, how } });
    void this.#intervene();
  }

  cancel(): void {
    this.#work.cancel();
  }

  async sweep(): Promise<void> {
    await this.#long("sweep", async (_, signal) => {
      await this.#asking.sweep(signal);
      this.#say("The sweep is done.");
    });
  }

  async circuit(): Promise<void> {
    const { task, scene } = this.view.state;
    await this.#long("circuit", async (client, signal) => {
      const circuit = await client.ask("circuit", [otherPairs(task, scene, OTHERS, this.#form)], { signal });
      this.#change({ circuit, said: `A circuit of ${circuit.circuit.length} heads was found.` });
    });
  }

  /** Where the effect of the chosen head goes. */
  async paths(): Promise<void> {
    const side = sideOf(this.view);
    if (!side.selected) {
      this.#say("Choose a head in the map first.");
      return;
    }
    // The token that the page shows, which the model may not have confirmed yet.
    const at = { ...side.selected, token: shownToken(side) };
    await this.#long("paths", async (client, signal) => {
      const found = await client.ask("paths", [at], { signal, onProgress: (done: number) => this.#change({ done }) });
      this.#change({ paths: { ...found, at }, said: "The paths are followed." });
    });
  }

  async #long(busy: NonNullable<View["busy"]>, work: (client: Client, signal: AbortSignal) => Promise<void>) {
    const { client } = this.#asking;
    if (!client || !this.view.model.facts) return this.#say("The model is still being loaded.");
    await this.#work.begin(busy, (signal) => work(client, signal));
  }

  /** Both passes of the pair that is shown, in both models; then what hangs on them. */
  async #ask(): Promise<void> {
    this.#work.cancel();
    const same = this.#isExample(this.view.state) && !this.view.own.image && !this.view.own.corruptImage;
    const kept =
      same && this.view.model.facts?.embedded !== false
        ? this.#known(this.view.state)
        : { found: undefined, effects: [], looked: undefined };
    this.#change({ ...kept, circuit: undefined, paths: undefined, after: undefined, said: "" });
    await Promise.all([this.#asking.ask(() => this.#intervene()), this.comparing.ask()]);
  }

  /** The example; where no head of it is chosen, the one that it looks at is. */
  #known(state: State): Example & Pick<View, "state"> {
    const { example } = this.#begun;
    if (state.selected) return { ...example, state };
    const { layer, head, token } = example.looked.at;
    this.#chosen = { ...state, selected: { layer, head }, token: state.token ?? token };
    return { ...example, state: this.#chosen };
  }

  #withoutChoice(state: State): State {
    return state === this.#chosen ? { ...state, selected: undefined, token: undefined } : state;
  }

  async #intervene(): Promise<void> {
    const { off, how, task, scene } = this.view.state;
    const { found } = this.view;
    if (off.length === 0) return this.#change({ after: undefined });
    if (!this.#asking.client || !found) return;
    const others = how === "mean" ? otherPairs(task, scene, REFERENCES, this.#form) : [];
    try {
      const ids = found.top.map(({ id }) => id);
      const after = await this.#asking.client.ask("intervene", [[...off], how, others, ids]);
      if (off === this.view.state.off) this.#change({ after });
    } catch (error) {
      this.#say(wordsOf(error as Error));
    }
  }

  get #form(): Form {
    return this.view.model.facts?.form ?? "question";
  }

  #givenOf(state: State): PairGiven {
    return givenOf(state, this.#form);
  }

  #isExample(state: State): boolean {
    return stateHash({ ...START, task: state.task, scene: state.scene }) === stateHash(START) && !state.question;
  }

  /** Head and token are part of the address; heads that this model has not are not. */
  #changeSide({ selected, token, ...found }: SideChange): void {
    const { state, model } = this.view;
    if (token === undefined) {
      this.#change(found);
      return;
    }
    const off = model.facts ? state.off.filter((head) => exists(head, model.facts!)) : state.off;
    this.#change({ ...found, state: { ...state, selected, token, off } });
  }

  #say(said: string): void {
    this.#change({ said });
  }

  #change(change: Partial<View>): void {
    this.view = { ...this.view, ...change };
    this.#begun.onChange();
  }
}

function givenOf({ task, scene, question, answers }: State, form: Form = "question"): PairGiven {
  const given = scenePair(task, scene, form);
  return { ...given, ...(question && { question }), ...(answers && { answers: [...answers] }) };
}
