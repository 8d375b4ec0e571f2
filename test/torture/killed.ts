import { spawn } from "node:child_process";
import type { Random } from "../../src/base/random.js";
import { MAIN } from "../support/root.js";

/** How a command ended. */
export interface Ended {
  readonly seconds: number;
  /** null: killed. */
  readonly code: number | null;
  readonly stderr: string;
}

/**
 * `notice`, killed after some seconds unless it has ended.
 *
 * @param whole with all processes that it started; else they notice that it is gone.
 */
export function noticeKilled(
  args: readonly string[],
  env: Record<string, string> = {},
  after = Number.POSITIVE_INFINITY,
  whole = false,
): Promise<Ended> {
  const begun = performance.now();
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...env },
    detached: true,
  });
  const kill = () => (whole ? process.kill(-child.pid!, "SIGKILL") : child.kill("SIGKILL"));
  const timer = Number.isFinite(after) ? setTimeout(kill, 1e3 * after) : undefined;
  let stderr = "";
  child.stderr.on("data", (text) => {
    stderr = `${stderr}${text}`.slice(-4000);
  });
  return new Promise((resolve) =>
    // Not "close": processes that it started may hold its stderr for a moment.
    child.on("exit", (code) => {
      clearTimeout(timer);
      resolve({ seconds: (performance.now() - begun) / 1e3, code, stderr });
    }),
  );
}

/** When, how often and in what environment a command is killed. */
export interface Killing {
  readonly choose: Random;
  /** What it takes undisturbed. */
  readonly seconds: number;
  readonly most: number;
  readonly isDone: () => boolean;
  readonly env?: Record<string, string>;
}

/** Kills a command again and again, going on each time, until it is done; after `most` kills it is left alone. */
export async function killUntilDone(
  args: readonly string[],
  { choose, seconds, most, isDone, env }: Killing,
): Promise<{ kills: number; seconds: number; failure?: string }> {
  for (let kills = 0; ; ) {
    // Anywhere from the first moment to the last; what is done shortens the next attempt.
    const after = kills < most ? choose.between(0.05, seconds) : undefined;
    const { code, stderr, seconds: took } = await noticeKilled(args, env, after, choose.chance(0.5));
    if (code === 0) return { kills, seconds: took };
    if (code !== null)
      return { kills, seconds: took, failure: `exit code ${code}: ${stderr.trim().split("\n").at(-1)}` };
    kills++;
    if (isDone()) return { kills, seconds: took };
  }
}
