import type { Form } from "../src/data/sample.js";
import type { HeadPlace } from "../src/patching/head-place.js";
import { Asking } from "./asking.js";
import type { Client } from "./client.js";
import { type Page, wordsOf } from "./long-work.js";
import type { OfferedModel } from "./offered.js";
import { scenePair } from "./scenes.js";
import type { GpuChoice, PairGiven } from "./shown.js";
import type { Beside, ModelFacts, View } from "./view.js";

/** Makes a worker, and the page's end of it. */
export type NewClient = (onLost: (error: Error) => void, onGpuLost: (facts: ModelFacts) => void) => Client;

/** A model beside the page's own, in a worker of its own, which takes the same two pictures. */
export class SecondModel {
  readonly #asking: Asking;

  constructor(
    private readonly page: Page,
    private readonly newClient: NewClient,
    readonly gpu: GpuChoice,
  ) {
    this.#asking = new Asking({
      side: () => page.view().beside,
      change: (change) => this.#change(change),
      say: (said) => page.change({ said }),
    });
  }

  get client(): Client | undefined {
    return this.#asking.client;
  }

  /**
   * Opens a model, and asks it about the page's pair. One that was open ends.
   *
   * @param source the address of its folder, or the files of one.
   * @returns whether it answers
   */
  async open(name: string, source: string | readonly File[]): Promise<boolean> {
    this.close();
    const { state, given } = this.page.view();
    this.page.change({
      beside: { name, given, effects: [], done: 0, of: 0, selected: state.besideHead, token: undefined },
      comparison: undefined,
    });
    const client = this.newClient(
      (error) => this.#lose(client, error),
      (facts) => this.#change({ facts }),
    );
    this.#asking.client = client;
    try {
      const onProgress = (done: number, of: number) => this.#change({ done, of });
      const facts = await client.ask("open", [source], { onProgress });
      if (this.client !== client) return false;
      this.#change({ facts });
      await this.ask();
      const given = this.page.view().beside?.given;
      if (given && this.client === client) this.#change({ facts: await client.ask("gpu", [given, this.gpu]) });
      return this.client === client && this.page.view().beside?.found !== undefined;
    } catch (error) {
      this.#lose(client, error as Error);
      return false;
    }
  }

  close(): void {
    this.client?.close(new DOMException("The model was closed.", "AbortError"));
    this.#asking.client = undefined;
    this.page.change({ beside: undefined, comparison: undefined });
  }

  /** Both passes of the pair that the page shows. */
  async ask(): Promise<void> {
    const view = this.page.view();
    if (!view.beside?.facts) return;
    const given = givenBeside(view, view.beside.facts.form);
    this.#change({ given, found: undefined, effects: [], looked: undefined, token: undefined });
    await this.#asking.ask();
  }

  select(selected: HeadPlace): void {
    const { state, beside } = this.page.view();
    this.page.change({ state: { ...state, besideHead: selected } });
    this.#change({ selected, token: beside?.token });
    void this.#asking.look();
  }

  sweep(signal: AbortSignal): Promise<void> {
    return this.#asking.sweep(signal);
  }

  #lose(client: Client, error: Error): void {
    if (this.client !== client) return;
    client.close(error);
    this.#asking.client = undefined;
    this.#change({ facts: undefined, found: undefined, effects: [], looked: undefined, lost: wordsOf(error) });
    this.page.change({ said: wordsOf(error) });
  }

  #change(change: Partial<Beside>): void {
    const { beside } = this.page.view();
    if (beside) this.page.change({ beside: { ...beside, ...change } });
  }
}

/** The two pictures that the page shows, with what a model of a form is asked of them. */
function givenBeside({ state, given, model }: View, form: Form): PairGiven {
  const { image, corruptImage } = given;
  const { besideQuestion: question, besideAnswers: answers } = state;
  const same = form === (model.facts?.form ?? "question");
  const words = same ? given : scenePair(state.task, state.scene, form);
  const own = question && answers ? { question, answers: [...answers] as [string, string] } : {};
  return { ...words, ...own, image, corruptImage };
}

/** A model that an address names. */
export const offered = (models: readonly OfferedModel[], name: string | undefined) =>
  models.find((one) => one.name === name);
