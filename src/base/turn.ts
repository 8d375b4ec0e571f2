// What a pass awaits resolves in a microtask: between its layers nothing else would ever run, no timer, no key.

/** So long work goes on before everything else has its turn, and then to the end of its layer. */
const MOST_MS = 15;

let since = performance.now();
let stopping: () => AbortSignal | undefined = () => undefined;

/**
 * Between two pieces of work: lets timers and input run where they have waited for 15 ms.
 *
 * @throws the reason of `signal`, or of the signal that `stopWith` names.
 */
export async function turn(signal?: AbortSignal): Promise<void> {
  if (performance.now() - since >= MOST_MS) {
    await macrotask();
    since = performance.now();
  }
  signal?.throwIfAborted();
  stopping()?.throwIfAborted();
}

/** Names the signal that also ends whatever runs: a prompt's, of the line whose work it is. */
export function stopWith(find: () => AbortSignal | undefined): void {
  stopping = find;
}

function macrotask(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") setImmediate(resolve);
    else inChannel(resolve);
  });
}

const waiting: (() => void)[] = [];
let channel: MessageChannel | undefined;

/**
 * A browser's setTimeout waits for 4 ms. The channel is held here: one that nobody holds may be collected with its
 * message.
 */
function inChannel(resolve: () => void): void {
  if (!channel) {
    channel = new MessageChannel();
    channel.port1.onmessage = () => waiting.shift()?.();
  }
  waiting.push(resolve);
  channel.port2.postMessage(null);
}
