import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseShard, WHOLE } from "../../src/study/shard.js";
import { refused } from "../support/refused.js";

test("a shard is a place below the count", () => {
  assert.equal(parseShard("0/3"), { index: 0, count: 3 });
  assert.equal(parseShard(" 2/3 "), { index: 2, count: 3 });
  assert.equal(parseShard("0/1"), WHOLE);
  assert.equal(parseShard("999998/999999"), { index: 999998, count: 999999 });
});

test("what is no shard is refused, in few words", async () => {
  for (const text of ["3/3", "1/1", "0/0", "4/3", "-1/3", "1", "1/", "/3", "1/3/5", "1.0/3", "0/1000000", ""])
    await refused(() => parseShard(text), "options", `The shard ${JSON.stringify(text)} is none`);
  const message = await refused(() => parseShard("9".repeat(1000)), "options");
  assert.ok(message.includes(`"${"9".repeat(80)}"`) && message.length < 200);
});

test.run();
