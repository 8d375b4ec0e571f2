import { test } from "uvu";
import * as assert from "uvu/assert";
import { oneByOne } from "../../src/base/one-by-one.js";

test("each work begins when the one before has ended, also where that failed", async () => {
  const doing = oneByOne();
  const order: string[] = [];
  const work = (name: string, fails = false) =>
    doing(async () => {
      order.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      order.push(`${name} ends`);
      if (fails) throw new Error(name);
      return name;
    });
  const found = await Promise.allSettled([work("a"), work("b", true), work("c")]);
  assert.equal(order, ["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  assert.equal(
    found.map((one) => (one.status === "fulfilled" ? one.value : String(one.reason))),
    ["a", "Error: b", "c"],
  );
});

test.run();
