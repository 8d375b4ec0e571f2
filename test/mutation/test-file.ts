import { spawn } from "node:child_process";

/** How a test file's run ended, and after how many seconds. */
export interface Run {
  readonly failed?: string;
  readonly seconds: number;
}

/** Runs a compiled test file in a process of its own, up to its first failure, at most for so many seconds. */
export function runTestFile(path: string, limit: number, env: NodeJS.ProcessEnv = {}): Promise<Run> {
  const begun = performance.now();
  // A group of its own, which is ended with all that a test started.
  const options = { detached: true, env: { ...process.env, ...env } };
  const child = spawn(process.execPath, [path], { ...options, stdio: ["ignore", "pipe", "ignore"] });
  let failed: string | undefined;
  let output = "";
  const kill = () => {
    try {
      process.kill(-child.pid!, "SIGKILL");
    } catch {
      // It has ended.
    }
  };
  const end = (why: string) => {
    failed ??= why;
    kill();
  };
  const timer = setTimeout(end, limit * 1e3, "took too long");
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    if (text.includes("✘")) end("failed");
  });
  child.on("exit", (code, signal) => {
    clearTimeout(timer);
    if (code !== 0) failed ??= signal ?? `exit code ${code}`;
    kill();
  });
  return new Promise((resolve) =>
    child.on("close", () => {
      // uvu takes a suite whose hook threw for passed.
      const counts = [...output.matchAll(/\((\d+) \/ (\d+)\)/g)];
      if (counts.length === 0 || counts.some(([, passed, total]) => passed !== total)) failed ??= "not all tests ran";
      resolve({ failed, seconds: (performance.now() - begun) / 1e3 });
    }),
  );
}
