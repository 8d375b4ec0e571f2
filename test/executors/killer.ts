// Loaded into a worker before its own code (NODE_OPTIONS=--import): kills it where a task's question says so. `kill` in
// a question kills every worker that gets it, `once` only the first; `throw` is an error of no kind of ours, and with
// `lost` the first has lost its GPU, with `lost for good` every one.
import { existsSync, writeFileSync } from "node:fs";
import { NoticeError } from "../../src/base/errors.js";

if (process.send)
  process.on("message", ({ input }: { input: { pair?: { question: string } } }) => {
    const question = input.pair?.question ?? "";
    const fail = () => {
      throw new TypeError("thrown within");
    };
    const lose = () => {
      throw new NoticeError("backend", "The GPU does not answer.");
    };
    if (question.includes("throw")) Object.defineProperty(input.pair, "image", { get: fail });
    const lost = `${process.env.KILLED_ONCE}-lost`;
    if (question.includes("lost for good")) Object.defineProperty(input.pair, "image", { get: lose });
    else if (question.includes("lost") && !existsSync(lost)) {
      writeFileSync(lost, "");
      Object.defineProperty(input.pair, "image", { get: lose });
    }
    const killed = process.env.KILLED_ONCE!;
    if (question.includes("once") && !existsSync(killed)) writeFileSync(killed, "");
    else if (!question.includes("kill")) return;
    process.kill(process.pid, "SIGKILL");
  });
