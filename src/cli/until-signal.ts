/**
 * Lets Ctrl-C or a plain `kill` end the work in order; this process then ends by that signal. A second one ends it at
 * once.
 *
 * @param onSignal called at the first.
 */
export async function untilSignal(
  work: (signal: AbortSignal) => Promise<void>,
  onSignal: () => void = () => {},
): Promise<void> {
  const stop = new AbortController();
  let received: NodeJS.Signals | undefined;
  const receive = (signal: NodeJS.Signals) => {
    received = signal;
    onSignal();
    stop.abort(new Error(`ended by ${signal}`));
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.once(signal, receive);
  try {
    await work(stop.signal);
  } finally {
    for (const signal of signals) process.off(signal, receive);
    if (received) process.kill(process.pid, received);
  }
}
