import { test } from "uvu";
import * as assert from "uvu/assert";
import { sessionsAt, workersAt } from "../../../src/executors/redis/records.js";

/** A Redis that scans in two steps and gives what it is made of; undefined: gone since. */
function holding(values: Record<string, string | undefined>) {
  const keys = Object.keys(values);
  return {
    scan: async (cursor: string) => (cursor === "0" ? ["7", keys] : ["0", keys.slice(0, 1)]),
    mget: async (asked: string[]) => asked.map((key) => values[key] ?? null),
  } as never;
}

const WORKER = { host: "a", pid: 1, processes: 2, version: "1", done: 3, active: 0, since: 4 };

test("records that are gone, or somebody else's, are passed over; each is given once", async () => {
  const redis = holding({ b: JSON.stringify(WORKER), a: undefined, c: "no record", d: '{"host": 5}' });
  assert.equal(await workersAt(redis), [WORKER]);
  assert.equal(await sessionsAt(redis), []);
  assert.equal(await workersAt(holding({})), []);
});

test.run();
