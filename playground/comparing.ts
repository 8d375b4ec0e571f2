import type { HeadPlace } from "../src/patching/head-place.js";
import type { CircuitRead, Comparison } from "../src/study/compared.js";
import type { Asking } from "./asking.js";
import type { Client } from "./client.js";
import { strongestFirst } from "./effects.js";
import type { LongWork, Page } from "./long-work.js";
import { type NewClient, offered, SecondModel } from "./second-model.js";
import type { GpuChoice } from "./shown.js";
import { ownName } from "./view.js";

/** Two models side by side: on the pair that is shown, and over many scenes. */
export class Comparing {
  readonly #second: SecondModel;

  constructor(
    private readonly page: Page,
    private readonly work: LongWork,
    /** The page's own model. */
    private readonly first: Asking,
    { newClient, gpu }: { readonly newClient: NewClient; readonly gpu: GpuChoice },
  ) {
    this.#second = new SecondModel(page, newClient, gpu);
  }

  /** Does what the address says: opens the model that it names, and compares both over as many scenes. */
  async follow(): Promise<void> {
    const { state, beside, models } = this.page.view();
    const isOpen = beside?.name === state.beside && beside?.lost === undefined;
    if (state.beside === undefined || isOpen) return;
    const one = offered(models, state.beside);
    if (!one) {
      this.#say(`There is no model ${state.beside} beside this page.`);
      return;
    }
    await this.#open(one.name, new URL(one.address, document.baseURI).href);
    const { over } = this.page.view().state;
    if (over !== undefined) await this.compare(over);
  }

  /** Opens one of the page's models; none closes that which is open. */
  async choose(name: string): Promise<void> {
    const { besideHead, besideQuestion, besideAnswers, over, ...state } = this.page.view().state;
    this.page.change({ state: { ...state, beside: name || undefined } });
    if (name) await this.follow();
    else this.close();
  }

  /** Opens a folder of the reader's own, which no address holds. */
  async folder(files: readonly File[]): Promise<void> {
    if (files.length === 0) return;
    const { besideHead, besideQuestion, besideAnswers, over, beside, ...state } = this.page.view().state;
    this.page.change({ state });
    await this.#open(files[0]!.webkitRelativePath.split("/")[0] || "your own model", files);
  }

  close(): void {
    const { beside, besideHead, besideQuestion, besideAnswers, over, ...state } = this.page.view().state;
    this.page.change({ state });
    this.work.cancel();
    this.#second.close();
  }

  /** Asks the second model what the page shows now. */
  ask(): Promise<void> {
    return this.#second.ask();
  }

  /** What the second model is asked, in its own form. */
  words(besideQuestion: string, besideAnswers: [string, string]): void {
    this.page.change({ state: { ...this.page.view().state, besideQuestion, besideAnswers } });
    void this.ask();
  }

  select(head: HeadPlace): void {
    this.#second.select(head);
  }

  /** Sweeps the pair in whichever of the two was not swept. */
  async sweepBoth(): Promise<void> {
    await this.work.begin("both", async (signal) => {
      const { effects, beside } = this.page.view();
      const open = [
        ...(effects.length === 0 ? [this.first.sweep(signal)] : []),
        ...(beside?.effects.length === 0 ? [this.#second.sweep(signal)] : []),
      ];
      await Promise.all(open);
      this.#chooseHead();
      this.#say("Both models are swept.");
    });
  }

  /** What both find in the first scenes of this kind, and what of that they have in common. */
  async compare(over: number): Promise<void> {
    const [first, second] = [this.first.client, this.#second.client];
    if (!first || !second) return;
    this.page.change({ state: { ...this.page.view().state, over }, comparison: undefined });
    await this.work.begin("compare", async (signal) => {
      let done = 0;
      const onProgress = () => this.page.change({ done: ++done });
      const { task } = this.page.view().state;
      const read = (client: Client, run: number) =>
        client.ask("evidence", [{ task, scenes: over, run }], { onProgress, signal });
      const found = await Promise.all([read(first, 0), read(second, 1)]);
      const comparison = await first.ask("compare", [this.#runs(), found], { signal });
      if (second === this.#second.client) this.page.change({ comparison, said: this.#wordsOf(found) });
    });
  }

  async #open(name: string, source: string | readonly File[]): Promise<void> {
    this.work.cancel();
    if (await this.#second.open(name, source)) await this.sweepBoth();
  }

  #runs(): Comparison["runs"] {
    const view = this.page.view();
    return [
      { name: ownName(view), facts: view.model.facts! },
      { name: view.beside!.name, facts: view.beside!.facts! },
    ].map(({ name, facts: { architecture, form, position } }) => ({
      ...{ folder: name, model: name, architecture, form, metric: "effect", position },
    }));
  }

  #wordsOf(found: readonly CircuitRead[]): string {
    const [one, other] = found.map(({ samples }) => samples);
    return `The models are compared: the first over ${one} scenes that it answers, the second over ${other}.`;
  }

  /** The strongest of the second model, where none is chosen. */
  #chooseHead(): void {
    const { beside } = this.page.view();
    if (!beside || beside.selected) return;
    const [best] = strongestFirst(beside.effects).filter(({ token }) => token === beside.found?.token);
    if (best) this.select({ layer: best.layer, head: best.head });
  }

  #say(said: string): void {
    this.page.change({ said });
  }
}
