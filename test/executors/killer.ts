// Loaded into a worker before its own code (NODE_OPTIONS=--import): kills it where a task's question says so. `kill` in
// a question kills every worker that gets it, `once` only the first; `throw` is an error of no kind of ours.
import { existsSync, writeFileSync } from "node:fs";

if (process.send)
  process.on("message", ({ input }: { input: { pair?: { question: string } } }) => {
    const question = input.pair?.question ?? "";
    const fail = () => {
      throw new TypeError("thrown within");
    };
    if (question.includes("throw")) Object.defineProperty(input.pair, "image", { get: fail });
    const killed = process.env.KILLED_ONCE!;
    if (question.includes("once") && !existsSync(killed)) writeFileSync(killed, "");
    else if (!question.includes("kill")) return;
    process.kill(process.pid, "SIGKILL");
  });
