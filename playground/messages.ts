/** From the page to the worker. `cancel` ends the work of that number. */
export interface Asked {
  readonly id: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

/** From the worker to the page. */
export interface Told {
  readonly id: number;
  readonly progress?: readonly unknown[];
  readonly result?: unknown;
  readonly error?: { readonly message: string; readonly name: string };
}
