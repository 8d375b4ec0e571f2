// Loaded into a worker before its own code (NODE_OPTIONS=--import): kills it where a task's question says so. `kill` in a question
// kills every worker that gets it, `once` only the first.
import { existsSync, writeFileSync } from "node:fs";

if (process.send)
  process.on("message", ({ input }: { input: { pair?: { question: string } } }) => {
    const question = input.pair?.question ?? "";
    const killed = process.env.KILLED_ONCE!;
    if (question.includes("once") && !existsSync(killed)) writeFileSync(killed, "");
    else if (!question.includes("kill")) return;
    process.kill(process.pid, "SIGKILL");
  });
