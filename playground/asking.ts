import type { HeadPlace } from "../src/patching/head-place.js";
import type { Client } from "./client.js";
import { wordsOf } from "./long-work.js";
import type { Side } from "./view.js";

/** What a model says of a pair, and what of it is looked at. */
export type SideChange = Partial<Pick<Side, "found" | "effects" | "looked" | "selected" | "token">>;

/** Where what a model says goes. */
export interface SideOf {
  /** undefined where there is none any more. */
  readonly side: () => Side | undefined;
  readonly change: (change: SideChange) => void;
  readonly say: (said: string) => void;
}

/** A model that is asked about a pair. What comes late, of a pair or a head that is no longer shown, is dropped. */
export class Asking {
  client: Client | undefined;

  constructor(private readonly of: SideOf) {}

  /** Both passes of the pair, and where the chosen head looks. */
  async ask(then: () => Promise<void> = async () => {}): Promise<void> {
    const side = this.of.side();
    if (!this.client || !side?.facts) return;
    const { given } = side;
    try {
      const found = await this.client.ask("pair", [given]);
      const now = this.of.side();
      if (given !== now?.given) return;
      const token = Math.min(now.token ?? found.token ?? 0, found.tokens.length - 1);
      const selected = now.selected && exists(now.selected, side.facts) ? now.selected : undefined;
      this.of.change({ found, token, selected });
      await Promise.all([this.look(), then()]);
    } catch (error) {
      this.of.say(wordsOf(error as Error));
    }
  }

  /** Where the chosen head looks. */
  async look(): Promise<void> {
    const { selected, token, found } = this.of.side() ?? {};
    if (!selected || token === undefined || !this.client || !found) return;
    const at = { ...selected, token };
    try {
      const looked = await this.client.ask("look", [at]);
      const now = this.of.side();
      if (selected === now?.selected && token === now.token && found === now.found)
        this.of.change({ looked: { ...looked, at } });
    } catch (error) {
      this.of.say(wordsOf(error as Error));
    }
  }

  /** The effect of every head at every token, layer by layer. */
  async sweep(signal: AbortSignal): Promise<void> {
    this.of.change({ effects: [] });
    const onProgress = (layer: number, effects: (number | null)[][]) => {
      const all = [...(this.of.side()?.effects ?? [])];
      all[layer] = effects;
      if (!signal.aborted) this.of.change({ effects: all });
    };
    await this.client?.ask("sweep", [], { onProgress, signal });
  }
}

/** Whether a model has such a head. */
export const exists = ({ layer, head }: HeadPlace, { layers, heads }: NonNullable<Side["facts"]>) =>
  layer < layers && head < heads;
