import type { View, Work } from "./view.js";

/** What the page's state gives to a part of it. */
export interface Page {
  readonly view: () => View;
  readonly change: (change: Partial<View>) => void;
}

/** What takes long: one thing at a time, until it is done, cancelled or no longer wanted. */
export class LongWork {
  #stop = new AbortController();

  constructor(private readonly page: Page) {}

  cancel(): void {
    this.#stop.abort();
  }

  /** Begins a work; one that is going on ends. */
  async begin(busy: Work, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.#stop.abort();
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    // What is said at its end is heard anew, also where the last work ended with the same words.
    this.page.change({ busy, done: 0, said: "" });
    try {
      await work(signal);
    } catch (error) {
      this.page.change({ said: wordsOf(error as Error, "Cancelled.") });
    } finally {
      if (this.#stop.signal === signal) this.page.change({ busy: undefined });
    }
  }
}

/** @param cancelled what is said of what nobody wants any more. */
export const wordsOf = ({ name, message }: Error, cancelled = "") => (name === "AbortError" ? cancelled : message);
