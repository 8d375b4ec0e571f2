/**
 * How many characters the methods of strings and patterns go through, or copy, while `action` runs: what work on a text
 * takes, the same on every machine.
 */
export async function charactersRead(action: () => unknown): Promise<number> {
  let read = 0;
  const originals: [prototype: object, name: PropertyKey, descriptor: PropertyDescriptor][] = [];
  for (const prototype of [String.prototype, RegExp.prototype])
    for (const name of Reflect.ownKeys(prototype)) {
      const descriptor = Object.getOwnPropertyDescriptor(prototype, name)!;
      const method: unknown = descriptor.value;
      if (typeof method !== "function" || UNCOUNTED.has(name)) continue;
      originals.push([prototype, name, descriptor]);
      Object.defineProperty(prototype, name, {
        ...descriptor,
        value(this: unknown, ...args: unknown[]) {
          const found: unknown = Reflect.apply(method, this, args);
          const text = PARTS.has(name) ? found : typeof this === "string" ? this : args[0];
          if (typeof text === "string") read += text.length;
          return found;
        },
      });
    }
  try {
    await action();
  } finally {
    for (const original of originals) Object.defineProperty(...original);
  }
  return read;
}

const UNCOUNTED = new Set<PropertyKey>(["constructor", "toString", "valueOf", "charCodeAt", "codePointAt"]);
/** These read what they return. */
const PARTS = new Set<PropertyKey>(["slice", "substring", "substr", "at", "charAt"]);
