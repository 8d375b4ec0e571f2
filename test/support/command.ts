import { spawn } from "node:child_process";
import { run } from "../../src/cli/program.js";
import { MAIN } from "./root.js";

// It adds a stack to every error.
delete process.env.NOTICE_DEBUG;

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
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
  return new Promise((resolve) => child.on("close", (code) => resolve({ ...outcome, code })));
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
  return outcome;
}
