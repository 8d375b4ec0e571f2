import { Command, Option } from "commander";
import type { ServeOptions } from "../executors/redis/serve.js";
import { BACKENDS } from "../platform/backend.js";
import { bytes, columns, decimal, wholeNumber, withJson } from "./options.js";
import { type Outputs, printResult } from "./outputs.js";
import { addressOf } from "./queue.js";
import { say } from "./streams.js";
import { untilSignal } from "./until-signal.js";

interface WorkerFlags extends Pick<ServeOptions, "concurrency" | "backend" | "model" | "memory"> {
  readonly redis?: string;
  readonly lock: number;
}

const redisOption = () => new Option("--redis <address>", "such as redis://host:6379/0; default: that of NOTICE_REDIS");

/** `notice worker`: takes jobs of studies and lists from a Redis. */
export function workerCommand(): Command {
  return new Command("worker")
    .description("take samples that commands with --executor deal out through a Redis, until it is ended")
    .addOption(redisOption())
    .option(
      "--concurrency <number>",
      "processes, each with the model; default: as many as cores, if memory allows",
      wholeNumber,
    )
    .addOption(new Option("--backend <name>", "take only samples for this one; default: any").choices([...BACKENDS]))
    .option("--model <model>", "where the model is on this machine; default: by the coordinator's name for it")
    .option("--memory <size>", "memory for the model and its passes, such as 3GB; default: what is available", bytes)
    .option("--lock <seconds>", "seconds without a word after which its samples go to another worker", decimal, 30)
    .addHelpText("after", "\nCtrl-C finishes the samples in work; again ends it at once.")
    .action(async ({ redis, ...options }: WorkerFlags) => {
      const { serveQueue } = await import("../executors/redis/serve.js");
      const address = addressOf(redis);
      await untilSignal(
        (signal) => serveQueue(address, { ...options, signal, say }),
        () => say("Finishing the samples in work; again ends at once."),
      );
    });
}

/** `notice workers`: who is there, and what each does. */
export function workersCommand(): Command {
  const command = new Command("workers").description("list the workers at a Redis").addOption(redisOption());
  return withJson(command).action(async ({ redis, ...outputs }: { readonly redis?: string } & Outputs) => {
    const { connect } = await import("../executors/redis/connect.js");
    const { workersAt } = await import("../executors/redis/records.js");
    const connection = await connect(addressOf(redis), say);
    try {
      const workers = await workersAt(connection.redis);
      const table = () => {
        if (workers.length === 0) return `No worker is at ${connection.place}.\n`;
        const now = Date.now();
        const rows = workers.map(({ host, pid, processes, backend, model, active, done, since, refuses }) => {
          const rate = done / Math.max(1, (now - since) / 1000);
          return [host, pid, processes, backend ?? "-", model ?? "-", active, done, rate.toFixed(2), refuses ?? ""];
        });
        return columns(rows, [
          "host",
          "pid",
          "processes",
          "backend",
          "model",
          "active",
          "done",
          "per second",
          "refuses",
        ]);
      };
      await printResult({ place: connection.place, workers }, table, outputs);
    } finally {
      await connection.close();
    }
  });
}
