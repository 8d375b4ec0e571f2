import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { NoticeError } from "../../base/errors.js";
import type { Task } from "../../jobs/jobs.js";
import type { Backend } from "../../platform/backend.js";
import type { Report, Setup } from "./messages.js";

/** A worker process died: killed, aborted by its backend, or ended by an error that was not thrown on purpose. */
export class WorkerError extends NoticeError {
  override readonly name = "WorkerError";

  /** @param lostBackend the task is not to blame, but what computes, such as a GPU. */
  constructor(
    message: string,
    readonly lostBackend = false,
  ) {
    super("worker", message);
  }
}

/** What a task gave, or why it could not be done. */
export type TaskOutcome =
  | { readonly output: unknown; readonly error?: undefined }
  | { readonly output?: undefined; readonly error: NoticeError };

// The sources run as they are under a loader such as tsx, whose flags are handed on.
const WORKER = fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url));

/** As much of a worker's stderr as its last words are looked for in. */
const KEPT_STDERR = 4000;

export interface WorkerOptions {
  /** Where relative paths start. */
  readonly cwd: string;
  /** That its native backend computes with. */
  readonly threads: number;
  readonly warn: (message: string) => void;
}

/** One process with one model, which does one task at a time. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #closed: Promise<void>;
  #settle: { resolve(report: Report): void; reject(error: WorkerError): void } | undefined;
  readonly #warn: WorkerOptions["warn"];
  #broken: Extract<Report, { kind: "broken" }> | undefined;
  #stderr = "";
  #alive = true;
  #tensors = 0;

  /** Starts the process; call `ready` next. */
  constructor(setup: Setup, { cwd, threads, warn }: WorkerOptions) {
    this.#warn = warn;
    this.#child = fork(WORKER, [JSON.stringify(setup)], {
      serialization: "advanced",
      cwd,
      execArgv: flags(),
      env: environment(threads),
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#child.on("message", (report: Report) => this.#hear(report));
    this.#child.stderr!.on("data", (text) => {
      this.#stderr = (this.#stderr + text).slice(-KEPT_STDERR);
    });
    this.#closed = new Promise((resolve) => {
      const end = (how: string) => {
        this.#alive = false;
        this.#settle?.reject(new WorkerError(this.#broken?.message ?? how, this.#broken?.lostBackend));
        this.#settle = undefined;
        resolve();
      };
      this.#child.on("error", ({ message }) => end(`it could not be started: ${message}`));
      this.#child.on("close", (code, signal) => end(`${endOf(code, signal)}${this.#lastWords()}`));
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get alive(): boolean {
    return this.#alive && this.#child.connected;
  }

  /** How many tensors it has made so far. */
  get tensors(): number {
    return this.#tensors;
  }

  /**
   * Resolves with the backend once the model is loaded.
   *
   * @throws NoticeError as `loadBlip`; WorkerError where the process died.
   */
  async ready(): Promise<Backend> {
    const report = await this.#next();
    if (report.kind !== "ready") throw errorIn(report);
    return report.backend;
  }

  /** @throws WorkerError where the process died of it, NoticeError `options` where the task cannot be sent. */
  async perform(task: Task): Promise<TaskOutcome> {
    const next = this.#next();
    next.catch(() => {}); // where send() throws, of what cannot be sent
    try {
      this.#child.send(task, () => {}); // a channel that broke is told by the end of the process
    } catch (cause) {
      this.#settle = undefined;
      const why = (cause as Error).message;
      throw new NoticeError("options", `A task cannot be sent to another process: ${why}. Give plain data.`, { cause });
    }
    const report = await next;
    return report.kind === "done" ? { output: report.output } : { error: errorIn(report) };
  }

  /** Resolves when the process is gone. It has nothing to finish, and may be deep in its backend. */
  async kill(): Promise<void> {
    this.#alive = false;
    this.#child.kill("SIGKILL");
    await this.#closed;
  }

  #next(): Promise<Report> {
    return new Promise((resolve, reject) => {
      if (this.#alive) this.#settle = { resolve, reject };
      else reject(new WorkerError("it had ended before"));
    });
  }

  #hear(report: Report): void {
    if (report.kind === "warning") this.#warn(report.message);
    else if (report.kind === "broken") this.#broken = report;
    else {
      if (report.kind !== "ready") this.#tensors = report.tensors;
      this.#settle?.resolve(report);
      this.#settle = undefined;
    }
  }

  /** The last line of its stderr that is neither a stack nor Node's signature. */
  #lastWords(): string {
    const lines = this.#stderr.split("\n").filter((line) => line.trim() && !/^\s+at |^Node\.js v/.test(line));
    return lines.length > 0 ? `, ${lines.at(-1)!.trim()}` : "";
  }
}

/** How a process ended, and what it most likely ended of. */
function endOf(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal !== "SIGKILL") return signal === null ? `exit code ${code}` : `ended by ${signal}`;
  return "killed from outside (SIGKILL), as the system does where memory runs out; free memory, or use fewer workers";
}

/** What a worker refused. */
function errorIn(report: Report): NoticeError {
  if (report.kind !== "refused") throw new WorkerError(`it said ${report.kind} out of turn`);
  return new NoticeError(report.code, report.message);
}

/** This process's flags, but for its program text and its debugger's port. */
function flags(): string[] {
  const takesText = /^(-e|-p|-pe|--eval|--print)$/;
  const own = (flag: string) => takesText.test(flag) || /^--(inspect|input-type)/.test(flag);
  return process.execArgv.filter((flag, i, all) => !own(flag) && !takesText.test(all[i - 1] ?? ""));
}

/** Without a bound each worker's TensorFlow takes all cores. What the caller's environment says stands. */
function environment(threads: number): NodeJS.ProcessEnv {
  return {
    TF_NUM_INTRAOP_THREADS: `${threads}`,
    TF_NUM_INTEROP_THREADS: `${threads}`,
    OMP_NUM_THREADS: `${threads}`,
    // Else the first worker takes all of a GPU's memory.
    TF_FORCE_GPU_ALLOW_GROWTH: "true",
    ...process.env,
  };
}
