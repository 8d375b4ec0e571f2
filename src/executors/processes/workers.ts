import { availableParallelism } from "node:os";
import { NoticeError } from "../../base/errors.js";
import type { Task } from "../../jobs/jobs.js";
import type { Backend } from "../../platform/backend.js";
import type { Setup } from "./messages.js";
import { type TaskOutcome, WorkerError, type WorkerOptions, WorkerProcess } from "./worker-process.js";

/**
 * tfjs-node numbers its native handles with 31 bits and crashes when they are spent; the other half is for the last
 * task.
 */
const RECYCLE_AFTER = 2 ** 30;

/** What the workers are told beside their `Setup`. */
interface WorkersOptions {
  /** Tensors that a worker makes before another one takes its place. */
  readonly recycleAfter?: number;
  readonly warn?: (message: string) => void;
}

/** A place for one process, which comes and goes. */
interface Seat {
  worker: WorkerProcess | undefined;
}

interface Waiter {
  resolve(seat: Seat): void;
  reject(reason: unknown): void;
}

/**
 * A number of worker processes and the tasks that wait for one. Whoever dies is replaced, and its task done once more.
 */
export class Workers {
  readonly #idle: Seat[];
  readonly #waiting: Waiter[] = [];
  readonly #processes = new Set<WorkerProcess>();
  readonly #warned = new Set<string>();
  readonly #workerOptions: WorkerOptions;
  #closed: { readonly reason: unknown } | undefined;
  #backend: Backend | undefined;

  constructor(
    readonly count: number,
    private readonly setup: Setup,
    private readonly options: WorkersOptions,
  ) {
    this.#idle = Array.from({ length: count }, () => ({ worker: undefined }));
    const threads = Math.max(1, Math.floor(availableParallelism() / count));
    this.#workerOptions = { cwd: process.cwd(), threads, warn: this.#warn };
  }

  /**
   * Starts processes while no task is in work: one a core, unless it is told how many. Others start with tasks that
   * find none idle, so that a thousand of them do not load the model for two tasks.
   *
   * @throws as `WorkerProcess.ready`
   */
  async start(count = availableParallelism()): Promise<void> {
    await Promise.all(this.#idle.slice(0, count).map((seat) => this.#fill(seat)));
  }

  /** What they compute with, once one has started. */
  get backend(): Backend {
    return this.#backend!;
  }

  /** The running processes. */
  get pids(): number[] {
    return [...this.#processes].flatMap(({ alive, pid }) => (alive && pid !== undefined ? [pid] : []));
  }

  /** Ends all processes; resolves when they are gone. What is in work then rejects with the first `reason`. */
  async close(reason: unknown): Promise<void> {
    this.#closed ??= { reason };
    for (const { reject } of this.#waiting.splice(0)) reject(this.#closed.reason);
    await Promise.all([...this.#processes].map((worker) => worker.kill()));
  }

  /**
   * Does a task when a worker is free.
   *
   * @param signal says that nobody waits for it any more.
   * @throws as `WorkerProcess.ready` and `WorkerProcess.perform`, but for a process that died of the task; the reason
   * of `close`.
   */
  async perform(task: Task, signal: AbortSignal): Promise<TaskOutcome> {
    for (let attempt = 1; ; attempt++) {
      const seat = await this.#take();
      try {
        signal.throwIfAborted();
        const worker = await this.#fill(seat);
        try {
          return await worker.perform(task);
        } catch (error) {
          if (this.#closed || !(error instanceof WorkerError)) throw error;
          // A resumed study asks again.
          if (attempt === 2 && error.lostBackend) throw new NoticeError("backend", error.message);
          if (attempt === 2)
            return { error: new WorkerError(`Two worker processes died of it; the second: ${error.message}.`) };
        }
      } catch (error) {
        throw this.#closed ? this.#closed.reason : error;
      } finally {
        this.#give(seat);
      }
    }
  }

  /** The seat's process, or a new one where there is none, it has died, or it has made its number of tensors. */
  async #fill(seat: Seat): Promise<WorkerProcess> {
    const { worker: last } = seat;
    if (last?.alive && last.tensors < (this.options.recycleAfter ?? RECYCLE_AFTER)) return last;
    seat.worker = undefined;
    if (last) await this.#end(last);
    for (let attempt = 1; ; attempt++) {
      if (this.#closed) throw this.#closed.reason;
      const worker = new WorkerProcess(this.setup, this.#workerOptions);
      this.#processes.add(worker);
      try {
        this.#backend = await worker.ready();
        seat.worker = worker;
        return worker;
      } catch (error) {
        await this.#end(worker);
        if (!(error instanceof WorkerError)) throw error;
        if (attempt === 2)
          throw new WorkerError(`Two worker processes died at loading the model; the second: ${error.message}.`);
      }
    }
  }

  async #end(worker: WorkerProcess): Promise<void> {
    await worker.kill();
    this.#processes.delete(worker);
  }

  async #take(): Promise<Seat> {
    if (this.#closed) throw this.#closed.reason;
    // One without a process only where no other is idle.
    const running = this.#idle.findIndex(({ worker }) => worker?.alive);
    const [seat] = this.#idle.splice(Math.max(running, 0), 1);
    return seat ?? new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #give(seat: Seat): void {
    const waiter = this.#waiting.shift();
    if (waiter) waiter.resolve(seat);
    else this.#idle.push(seat);
  }

  /** Every worker has the same to say about the checkpoint. */
  readonly #warn = (message: string) => {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    (this.options.warn ?? console.warn)(message);
  };
}
