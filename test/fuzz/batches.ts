import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { Batch, Message } from "./child.js";
import type { Verdict } from "./judge.js";

const CHILD = fileURLToPath(new URL("./child.js", import.meta.url));
/** Megabytes of a process's heap: what a stranger's file may make of it is far less. */
const HEAP_MB = 1024;
const MOST_RESIDENT = 3e9;
/** On a busy machine a case that computes little waits: it hangs only if it waits so many times its limit. */
const BUSY = 12;
/** Loading what cases share. */
const OPENING_MS = 120_000;

/** A case that found something, or the batch that grew. */
export interface Finding extends Verdict {
  readonly kind: string;
  readonly case: number;
  /** Of a batch: one past its last case. */
  readonly to?: number;
}

/** What came of a batch. */
export interface Tally {
  taken: number;
  refused: number;
  readonly findings: Finding[];
}

/** How a process of cases ended. */
interface Ended {
  /** The first case that it did not do. */
  readonly next: number;
  /** Why it did not come back from a case. */
  readonly lost?: Verdict;
  /** Whether it came to any case. */
  readonly began: boolean;
}

/** Does the cases of a batch, in another process after each one that ends its own. */
export async function runBatch(batch: Batch, tally: Tally): Promise<void> {
  for (let { from } = batch; from < batch.to; ) {
    const { next, lost: said, began } = await runChild({ ...batch, from }, tally);
    // A case may end its process without an error, too.
    const lost: Verdict | undefined = said ?? (next === from ? { fault: "crash", message: "exit code 0" } : undefined);
    // What hangs, hangs twice.
    const again = lost?.fault === "hang" ? await runChild({ ...batch, from: next, to: next + 1 }, tally) : { lost };
    if (again.lost) tally.findings.push({ kind: batch.kind, case: next, ...again.lost });
    if (!began) return;
    from = lost ? next + 1 : next;
  }
}

/** Makes what the cases of a kind share. */
export async function prepareKind(batch: Batch): Promise<void> {
  const { lost } = await runChild({ ...batch, prepares: true }, { taken: 0, refused: 0, findings: [] });
  if (lost) throw new Error(`What ${batch.kind} need could not be made: ${lost.message}`);
}

function runChild(batch: Batch, tally: Tally): Promise<Ended> {
  const args = ["--expose-gc", `--max-old-space-size=${HEAP_MB}`, CHILD, JSON.stringify(batch)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe", "pipe"] });
  let [next, isIn, said, since, used] = [batch.from, false, "", performance.now(), 0];
  let [began, killed] = [false, undefined as Verdict | undefined];
  const kill = (fault: Verdict["fault"], message: string) => {
    killed ??= { fault, message };
    child.kill("SIGKILL");
  };
  const watch = setInterval(() => {
    const [waited, computed] = [performance.now() - since, computedMs(child)];
    const late = isIn
      ? waited > batch.limits.caseMs &&
        ((computed ?? waited) - used > batch.limits.caseMs || waited > BUSY * batch.limits.caseMs)
      : waited > OPENING_MS;
    if (late) kill("hang", `not done after ${Math.round(waited / 1000)} s`);
    const resident = residentBytes(child);
    if (resident > MOST_RESIDENT) kill("memory", `took ${Math.round(resident / 1e6)} MB`);
  }, 100);
  child.stderr!.on("data", (text) => {
    said = `${said}${text}`.slice(-4000);
  });
  createInterface(child.stdio[3] as Readable).on("line", (line) => {
    [since, used] = [performance.now(), computedMs(child) ?? 0];
    const message = JSON.parse(line) as Message;
    began = true;
    isIn = "begins" in message;
    if ("ends" in message) next = message.ends + 1;
    count(batch, message, tally);
  });
  return new Promise((resolve) =>
    child.on("close", (code, signal) => {
      clearInterval(watch);
      const crash: Verdict = { fault: "crash", message: `${signal ?? `exit code ${code}`}: ${reason(said)}` };
      resolve(code === 0 ? { next, began } : { next, began, lost: killed ?? crash });
    }),
  );
}

function count({ kind, from, to, limits }: Batch, message: Message, tally: Tally): void {
  if ("ends" in message) {
    if (message.found === "taken") tally.taken++;
    else if (message.found === "refused") tally.refused++;
    else tally.findings.push({ kind, case: message.ends, ...message.found });
  } else if ("grown" in message) {
    const { bytes, tensors } = message.grown;
    if (bytes < limits.keptBytes && tensors <= 0) return;
    const what = `${Math.round(bytes / 1e6)} MB and ${tensors} tensors more after these cases`;
    tally.findings.push({ kind, case: from, to, fault: "memory", message: what });
  }
}

/** What a process said at its end: the line that names an error, or the last. */
function reason(said: string): string {
  const lines = said.split("\n").filter((line) => line.trim() !== "");
  return (lines.find((line) => /FATAL|Error|terminate/.test(line)) ?? lines.at(-1) ?? "nothing was said").slice(0, 300);
}

/** What a process has computed, in milliseconds, where the system says so. */
function computedMs({ pid }: ChildProcess): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return 10 * (Number(fields[11]) + Number(fields[12])); // user and system, in hundredths of a second
  } catch {
    return undefined;
  }
}

/** Bytes in memory, where the system says so. */
function residentBytes({ pid }: ChildProcess): number {
  try {
    return 4096 * Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
  } catch {
    return 0;
  }
}
