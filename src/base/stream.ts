/** Something that can be gone through with `for await`. */
export type Source<Item> = Iterable<Item> | AsyncIterable<Item>;

interface StreamOptions {
  /** How many items are read, in work or finished and not yet taken, at most. */
  readonly width: number;
  /** Results in the order of their items, instead of as they finish. */
  readonly ordered: boolean;
}

/**
 * `work` on every item, several at a time. Nothing is read before a result is asked for, and no more than `width` items
 * are ahead of whoever takes the results, so the source may be endless. Where the taker stops, nothing more is read,
 * and `signal` tells the work that nobody waits for it.
 *
 * @throws what the source or `work` throws.
 */
export async function* mapStream<Item, Result>(
  items: Source<Item>,
  work: (item: Item, signal: AbortSignal) => Promise<Result>,
  { width, ordered }: StreamOptions,
): AsyncGenerator<Result, void, undefined> {
  const source = iterator(items);
  const stopped = new AbortController();
  const running = new Set<Promise<Finished<Result>>>(); // in the order of their items
  let reading: Promise<{ read: IteratorResult<Item> }> | undefined;
  let exhausted = false;
  try {
    for (;;) {
      if (!exhausted && running.size < width) reading ??= read(source);
      if (!reading && running.size === 0) return;
      const [oldest] = running;
      const awaited = ordered ? (oldest ? [oldest] : []) : running;
      const event = await Promise.race<Finished<Result> | { read: IteratorResult<Item> }>(
        reading ? [reading, ...awaited] : awaited,
      );
      if ("read" in event) {
        reading = undefined;
        if (event.read.done) exhausted = true;
        else running.add(start(work(event.read.value, stopped.signal)));
      } else {
        running.delete(event.self);
        yield event.result;
      }
    }
  } finally {
    stopped.abort();
    // A source that is in the middle of a slow read ends when it comes to it; nobody waits for that.
    const pending = reading !== undefined;
    reading?.catch(() => {});
    const returned = exhausted ? undefined : Promise.resolve(source.return?.()).catch(() => {});
    if (!pending) await returned;
  }
}

interface Finished<Result> {
  readonly result: Result;
  readonly self: Promise<Finished<Result>>;
}

function start<Result>(work: Promise<Result>): Promise<Finished<Result>> {
  const self: Promise<Finished<Result>> = work.then((result) => ({ result, self }));
  self.catch(() => {}); // it may fail when nobody waits any more
  return self;
}

async function read<Item>(source: Iterator<Item> | AsyncIterator<Item>): Promise<{ read: IteratorResult<Item> }> {
  return { read: await source.next() };
}

function iterator<Item>(items: Source<Item>): Iterator<Item> | AsyncIterator<Item> {
  return Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
}
