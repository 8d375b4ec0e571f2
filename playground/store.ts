import type { Form } from "../src/data/sample.js";
import type { HeadPlace } from "../src/patching/head-place.js";
import type { Client } from "./client.js";
import { otherPairs, scenePair } from "./scenes.js";
import type { GpuChoice, PairFound, PairGiven } from "./shown.js";
import { parseState, START, type State, stateHash } from "./state.js";
import type { Works } from "./worker.js";

/** [layer][head][token]; layers that have not been swept are missing. */
export type Effects = readonly (readonly (readonly (number | null)[])[] | undefined)[];

export type Looked = Awaited<ReturnType<Works["look"]>> & { readonly at: HeadPlace & { readonly token: number } };
export type PathsFound = Awaited<ReturnType<Works["paths"]>> & { readonly at: Looked["at"] };
export type CircuitFound = Awaited<ReturnType<Works["circuit"]>>;
export type ModelFacts = Awaited<ReturnType<Works["open"]>>;

/** What the page shows. */
export interface View {
  readonly state: State;
  readonly given: PairGiven;
  /** Which pictures are the reader's own. */
  readonly own: Partial<Record<"image" | "corruptImage", boolean>>;
  readonly model: { readonly facts?: ModelFacts; readonly done: number; readonly of: number; readonly lost?: string };
  readonly found?: PairFound | undefined;
  readonly effects: Effects;
  readonly looked?: Looked | undefined;
  /** The answers' probabilities with heads switched off, and what is left of the answer. */
  readonly after?: Awaited<ReturnType<Works["intervene"]>> | undefined;
  readonly circuit?: CircuitFound | undefined;
  /** What is going on and can be cancelled. */
  readonly busy?: "sweep" | "circuit" | "paths" | undefined;
  /** How many passes of it are done. */
  readonly done?: number;
  readonly paths?: PathsFound | undefined;
  /** The sets of switched-off heads before this one. */
  readonly past: readonly (readonly HeadPlace[])[];
  /** A word on what happened, read aloud by screen readers. */
  readonly said: string;
}

/** What was found of the first scene before anybody asked. */
export interface Example {
  readonly found: PairFound;
  readonly effects: Effects;
  readonly looked: Looked;
}

const OTHERS = 10;
const REFERENCES = 8;

/** The page's state, and all that can be done with it. Every change is a new view. */
export class Store {
  view: View;
  #client: Client | undefined;
  #stop = new AbortController();
  /** What was chosen for the reader, in the example. */
  #chosen: State | undefined;

  constructor(
    hash: string,
    private readonly example: Example,
    private readonly onChange: () => void,
  ) {
    const parsed = parseState(hash);
    const state = parsed ?? START;
    const said = parsed ? "" : "The address of this page held nothing that it knows; here is its first example.";
    const base = { state, given: givenOf(state), own: {}, model: { done: 0, of: 0 }, effects: [], past: [], said };
    this.view = this.#isExample(state) ? { ...base, ...this.#known(state) } : base;
  }

  /** Begins to use a model; on the GPU, where that says the same, after its first answer. */
  async connect(client: Client, address: string, gpu: GpuChoice): Promise<void> {
    this.#client = client;
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
      this.use(await client.ask("gpu", [this.#givenOf(START), gpu]));
    } catch (error) {
      this.lose(error as Error);
    }
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
  go(hash: string): void {
    const state = parseState(hash);
    if (!state) this.#say("That address held nothing that this page knows; nothing was changed.");
    else {
      this.#change({ state, given: this.#givenOf(state), own: {}, past: [] });
      void this.#ask();
    }
  }

  scene(task: State["task"], scene: number): void {
    const { off, how } = this.view.state;
    this.go(stateHash({ task, scene, off, how }));
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
    void this.#look();
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
    this.#stop.abort();
  }

  async sweep(): Promise<void> {
    await this.#long("sweep", async (client, signal) => {
      this.#change({ effects: [] });
      const onProgress = (layer: number, effects: (number | null)[][]) => {
        const all = [...this.view.effects];
        all[layer] = effects;
        this.#change({ effects: all });
      };
      await client.ask("sweep", [], { onProgress, signal });
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
    const { selected, token } = this.view.state;
    if (!selected || token === undefined) return this.#say("Choose a head in the map first.");
    const at = { ...selected, token };
    await this.#long("paths", async (client, signal) => {
      const found = await client.ask("paths", [at], { signal, onProgress: (done: number) => this.#change({ done }) });
      this.#change({ paths: { ...found, at }, said: "The paths are followed." });
    });
  }

  async #long(
    busy: NonNullable<View["busy"]>,
    work: (client: Client, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    if (!this.#client || !this.view.model.facts) return this.#say("The model is still being loaded.");
    this.#stop.abort();
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    // What is said at its end is heard anew, also where the last work ended with the same words.
    this.#change({ busy, done: 0, said: "" });
    try {
      await work(this.#client, signal);
    } catch (error) {
      this.#fail(error as Error, "Cancelled.");
    } finally {
      if (this.#stop.signal === signal) this.#change({ busy: undefined });
    }
  }

  /** Both passes of the pair that is shown; then what hangs on them. */
  async #ask(): Promise<void> {
    this.#stop.abort();
    const same = this.#isExample(this.view.state) && !this.view.own.image && !this.view.own.corruptImage;
    const kept =
      same && this.view.model.facts?.embedded !== false
        ? this.#known(this.view.state)
        : { found: undefined, effects: [], looked: undefined };
    this.#change({ ...kept, circuit: undefined, paths: undefined, after: undefined, said: "" });
    if (!this.#client || !this.view.model.facts) return;
    const { given } = this.view;
    try {
      const found = await this.#client.ask("pair", [given]);
      if (given !== this.view.given) return;
      const token = Math.min(this.view.state.token ?? found.token ?? 0, found.tokens.length - 1);
      this.#change({ found, state: this.#fit({ ...this.view.state, token }) });
      await Promise.all([this.#look(), this.#intervene()]);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  /** The example; where no head of it is chosen, the one that it looks at is. */
  #known(state: State): Example & Pick<View, "state"> {
    if (state.selected) return { ...this.example, state };
    const { layer, head, token } = this.example.looked.at;
    this.#chosen = { ...state, selected: { layer, head }, token: state.token ?? token };
    return { ...this.example, state: this.#chosen };
  }

  #withoutChoice(state: State): State {
    return state === this.#chosen ? { ...state, selected: undefined, token: undefined } : state;
  }

  /** Without heads that this model has not. */
  #fit(state: State): State {
    const { layers, heads } = this.view.model.facts!;
    const exists = ({ layer, head }: HeadPlace) => layer < layers && head < heads;
    const selected = state.selected && exists(state.selected) ? state.selected : undefined;
    return { ...state, selected, off: state.off.filter(exists) };
  }

  async #look(): Promise<void> {
    const { selected, token } = this.view.state;
    if (!selected || token === undefined || !this.#client || !this.view.found) return;
    const at = { ...selected, token };
    try {
      const looked = await this.#client.ask("look", [at]);
      if (selected === this.view.state.selected) this.#change({ looked: { ...looked, at } });
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  async #intervene(): Promise<void> {
    const { off, how, task, scene } = this.view.state;
    const { found } = this.view;
    if (off.length === 0) return this.#change({ after: undefined });
    if (!this.#client || !found) return;
    const others = how === "mean" ? otherPairs(task, scene, REFERENCES, this.#form) : [];
    try {
      const ids = found.top.map(({ id }) => id);
      const after = await this.#client.ask("intervene", [[...off], how, others, ids]);
      if (off === this.view.state.off) this.#change({ after });
    } catch (error) {
      this.#fail(error as Error);
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

  #fail({ name, message }: Error, cancelled = ""): void {
    this.#say(name === "AbortError" ? cancelled : message);
  }

  #say(said: string): void {
    this.#change({ said });
  }

  #change(change: Partial<View>): void {
    this.view = { ...this.view, ...change };
    this.onChange();
  }
}

function givenOf({ task, scene, question, answers }: State, form: Form = "question"): PairGiven {
  const given = scenePair(task, scene, form);
  return { ...given, ...(question && { question }), ...(answers && { answers: [...answers] }) };
}
