import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers/promises";

/** For how long, in milliseconds, the code under test asks to sleep while `action` runs. */
export async function pausesOf(action: () => Promise<unknown>): Promise<number[]> {
  const pauses: number[] = [];
  const { setTimeout: sleep } = timers;
  timers.setTimeout = ((ms, ...rest) => {
    pauses.push(ms ?? 1);
    return sleep(ms, ...rest);
  }) as typeof sleep;
  syncBuiltinESMExports();
  try {
    await action();
  } finally {
    timers.setTimeout = sleep;
    syncBuiltinESMExports();
  }
  return pauses;
}
