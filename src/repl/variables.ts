import { Session } from "node:inspector";
import { runInThisContext } from "node:vm";

/** The variables of a prompt whose context is the global one. */
export class Variables {
  readonly #before = new Set(Object.getOwnPropertyNames(globalThis));
  readonly #session = new Session();

  constructor() {
    this.#session.connect();
  }

  /** What `let`, `const`, `var`, assignments and `_` hold now. */
  values(): unknown[] {
    const own = Object.entries(Object.getOwnPropertyDescriptors(globalThis))
      .filter(([name]) => !this.#before.has(name))
      .map(([, { value }]) => value);
    return [...own, ...this.#lexical().map(read), read("_")];
  }

  [Symbol.dispose](): void {
    this.#session.disconnect();
  }

  /** Names of `let` and `const`, which are no properties of anything. */
  #lexical(): string[] {
    let names: string[] = [];
    // Called back before `post` returns.
    this.#session.post("Runtime.globalLexicalScopeNames", (_, found) => {
      names = found?.names ?? [];
    });
    return names;
  }
}

/** Undefined where the name has no value yet: its initialiser threw. */
function read(name: string): unknown {
  try {
    return runInThisContext(name);
  } catch {
    return undefined;
  }
}
