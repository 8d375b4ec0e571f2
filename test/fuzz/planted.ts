import { NoticeError } from "../../src/base/errors.js";
import { Found } from "./judge.js";
import type { Kind, Outcome } from "./kind.js";

// Faults that the instrument must see, each planted in some cases of a kind of its own.

const kind = (name: string, run: () => Outcome | Promise<Outcome>): Kind => ({
  name,
  share: 1,
  open: async () => ({ run: async (choose) => (choose.chance(0.5) ? "taken" : run()) }),
});
const kept: unknown[] = [];

export const KINDS: readonly Kind[] = [
  kind("sound", () => {
    throw new NoticeError("options", "Nothing was given; give something.");
  }),
  kind("aborts", () => process.abort()),
  kind("leaves", () => {
    setImmediate(() => {
      throw new Error("nobody awaits this");
    });
    return new Promise(() => {});
  }),
  kind("hangs", () => {
    for (;;);
  }),
  kind("takes", () => (Buffer.alloc(100e6, 1).length > 0 ? "taken" : "refused")),
  kind("keeps", () => {
    kept.push(Buffer.alloc(9e6, 1));
    return "taken";
  }),
  {
    name: "drops",
    share: 1,
    open: async () => ({ run: async () => (new Uint8Array(20e6).fill(1).length > 0 ? "taken" : "refused") }),
  },
  kind("throws", () => {
    throw new TypeError("undefined is not a function");
  }),
  kind("prints", () => {
    throw new NoticeError("options", "bad\n    at run (file:///main.js:1:2)");
  }),
  kind("errs", () => {
    throw new Found("wrong", "a picture of 2 x 2 with 3 bytes");
  }),
];
