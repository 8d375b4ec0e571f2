import { spawn } from "node:child_process";
import { run } from "../../src/cli/program.js";
import { MAIN } from "./root.js";

// It adds a stack to every error.
delete process.env.NOTICE_DEBUG;

export interface Outcome {
  code: number | null;
  stdout: string;
  /** Without the cautions. */
  stderr: string;
  /** Lines of stderr that say of a pair that it hardly means anything: those of a random model never do. */
  cautions?: readonly string[];
}

const CAUTION =
  /^notice: (The clean run does not give|The corrupted run prefers|The answer "[^"]*" is read by its first word piece).*\n/gm;

/** What a process wrote, its cautions apart. */
function apart(outcome: Outcome): Outcome {
  const cautions = Array.from(outcome.stderr.matchAll(CAUTION), ([line]) => line.trim());
  return { ...outcome, stderr: outcome.stderr.replace(CAUTION, ""), cautions };
}

/** The command as a process of its own, whose stderr is no terminal. */
export function notice(...args: string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const outcome: Outcome = { code: null, stdout: "", stderr: "" };
  child.stdout.on("data", (data) => {
    outcome.stdout += data;
  });
  child.stderr.on("data", (data) => {
    outcome.stderr += data;
  });
  return new Promise((resolve) => child.on("close", (code) => resolve(apart({ ...outcome, code }))));
}

/** The same within this process, which is faster. */
export async function noticeHere(...args: string[]): Promise<Outcome> {
  const outcome: Outcome = { code: null, stdout: "", stderr: "" };
  const { stdout, stderr } = process;
  const writes = [stdout.write, stderr.write] as const;
  const into = (stream: "stdout" | "stderr") => (text: string | Uint8Array) => {
    outcome[stream] += text;
    return true;
  };
  stdout.write = into("stdout");
  stderr.write = into("stderr");
  try {
    outcome.code = await run(args);
  } finally {
    [stdout.write, stderr.write] = writes;
  }
  return apart(outcome);
}
