/** Lets Ctrl-C or a plain `kill` end the work in order; this process then ends by that signal. */
export async function untilSignal(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  let received: NodeJS.Signals | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    received = signal;
    stop.abort(new Error(`ended by ${signal}`));
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.once(signal, onSignal);
  try {
    await work(stop.signal);
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
    if (received) process.kill(process.pid, received);
  }
}
