import { test } from "uvu";
import * as assert from "uvu/assert";
import { mapStream } from "../../src/base/stream.js";

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Counts for ever; knows how far it was read and whether it was told to stop. */
function endless() {
  const state = { read: 0, stopped: false };
  async function* count() {
    try {
      for (;;) yield state.read++;
    } finally {
      state.stopped = true;
    }
  }
  return { state, items: count() };
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

test("as they finish, or in order; every item once", async () => {
  const delays = [30, 0, 20, 0, 10, 0];
  const work = async (delay: number) => {
    await wait(delay);
    return delay;
  };
  assert.equal(await all(mapStream(delays, work, { width: 6, ordered: false })), [0, 0, 0, 10, 20, 30]);
  for (const width of [1, 2, 9]) assert.equal(await all(mapStream(delays, work, { width, ordered: true })), delays);
  assert.equal(await all(mapStream([], work, { width: 2, ordered: false })), []);
});

for (const ordered of [false, true])
  test(`never more than the width ahead of the taker, ordered ${ordered}`, async () => {
    const { state, items } = endless();
    let most = 0;
    let working = 0;
    const work = async (item: number) => {
      most = Math.max(most, ++working);
      await wait(0);
      working--;
      return item;
    };
    const stream = mapStream(items, work, { width: 4, ordered });
    assert.is(state.read, 0, "nothing is read before a result is asked for");
    let taken = 0;
    for await (const _ of stream) {
      taken++;
      await wait(3); // all that may be read is read
      assert.ok(state.read - taken <= 4, `${state.read} are read when ${taken} are taken`);
      if (taken === 10) break;
    }
    assert.ok(most > 1 && most <= 4);
    assert.is(state.stopped, true, "the source is told to stop");
    const { read } = state;
    await wait(5);
    assert.is(state.read, read);
  });

test("a slow source does not hold back what is done", async () => {
  let goOn = () => {};
  async function* slow() {
    yield 1;
    await new Promise<void>((resolve) => {
      goOn = resolve;
    });
    yield 2;
  }
  const stream = mapStream(slow(), async (item) => item, { width: 3, ordered: false });
  assert.equal(await stream.next(), { value: 1, done: false });
  const second = stream.next();
  await wait(1);
  goOn();
  assert.equal(await second, { value: 2, done: false });
  assert.equal(await stream.next(), { value: undefined, done: true });
});

test("a taker who stops during a slow read does not wait for it; the work is told", async () => {
  let told: AbortSignal | undefined;
  async function* stuck() {
    yield 1;
    yield 2;
    await new Promise(() => {});
  }
  const work = (item: number, signal: AbortSignal) => {
    told = signal;
    return item === 1 ? Promise.resolve(item) : new Promise<number>(() => {});
  };
  for await (const item of mapStream(stuck(), work, { width: 3, ordered: false })) {
    assert.is(item, 1);
    break;
  }
  assert.is(told!.aborted, true);
});

test("errors of the source and of the work end it", async () => {
  function* failing() {
    yield 1;
    throw new Error("no more");
  }
  const rejects = async (stream: AsyncIterable<unknown>, message: string) => {
    try {
      await all(stream);
    } catch (error) {
      return assert.is((error as Error).message, message);
    }
    assert.unreachable();
  };
  await rejects(
    mapStream(failing(), async (item) => item, { width: 2, ordered: false }),
    "no more",
  );
  const { state, items } = endless();
  const work = async (item: number) => {
    if (item === 3) throw new Error("three");
    return item;
  };
  await rejects(mapStream(items, work, { width: 2, ordered: true }), "three");
  assert.is(state.stopped, true);
});

test.run();
