import { createHash } from "node:crypto";
import type { Queue } from "bullmq";
import { NoticeError, type NoticeErrorCode } from "../../base/errors.js";
import { keysOf } from "../../base/options.js";
import { modelDigest } from "../../files/model-digest.js";
import { packageVersion } from "../../files/package.js";
import { JOBS, type JobName, type Jobs } from "../../jobs/jobs.js";
import type { Backend } from "../../platform/backend.js";
import { Executor, type Outcome } from "../executor.js";
import { type Connection, connect } from "./connect.js";
import { exactly, pack } from "./parcel.js";
import { Pictures } from "./pictures.js";
import {
  doneChannel,
  KEPT_SECONDS,
  queueOf,
  type Result,
  read,
  resultKey,
  type Session,
  SILENT_SECONDS,
  sessionKey,
} from "./protocol.js";
import { workersAt } from "./records.js";

/** What computes, and who hears of it. */
export interface QueueOptions {
  /** Default `wasm`: all workers must compute by one backend, so that it does not matter who does what. */
  readonly backend?: Backend;
  /** False takes pictures whole, of a model that cuts them into tiles. */
  readonly split?: boolean;
  /** In how many bits workers keep the model's matrices; 32 by default. */
  readonly bits?: 16 | 32;
  /** Hears of a Redis that is away, of workers that refuse, and where there are none. Default: the console. */
  readonly warn?: (message: string) => void;
  /** Ends it: what is waited for then rejects with its reason. What workers have begun they finish. */
  readonly signal?: AbortSignal;
}

/** Jobs that wait in the queue, whoever works. Workers that come later find some. */
const LEAST_WIDTH = 64;
const MOST_WIDTH = 4096;

/** Who listens is told at once. What was missed while Redis was away is found by looking. */
const LOOK_MS = 2000;

/** Codes of errors that a worker may send: all there are, or it does not type-check. */
const CODES = keysOf<Record<NoticeErrorCode, unknown>>({
  ...{ checkpoint: true, image: true, tokens: true, site: true, options: true },
  ...{ memory: true, backend: true, network: true, worker: true, disposed: true },
});

/** Performs jobs by whoever takes them from a queue. */
export class QueueExecutor extends Executor {
  readonly #queue: Queue;
  readonly #name: string;
  readonly #pictures: Pictures;
  readonly #waiting = new Map<string, Waiting>();
  readonly #stop = new AbortController();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #refusals = new Set<string>();
  #width = LEAST_WIDTH;
  #lonely = false;

  private constructor(
    private readonly connection: Connection,
    private readonly session: Session,
    private readonly warn: (message: string) => void,
  ) {
    super();
    this.#name = queueOf(session);
    this.#queue = connection.queue(this.#name);
    this.#queue.on("error", () => {}); // the connection tells
    this.#pictures = new Pictures(connection.redis);
  }

  /** @param model as `folder` and as workers are to find it: a hub id, or a folder that they have too. */
  static async open(
    url: string,
    { folder, model }: { readonly folder: string; readonly model: string },
    { backend = "wasm", split, bits, warn = console.warn, signal }: QueueOptions,
  ): Promise<QueueExecutor> {
    const made = { backend, version: packageVersion(), split, bits };
    const session = { model, digest: await modelDigest(folder), ...made };
    const executor = new QueueExecutor(await connect(url, warn), session, warn);
    await executor.#begin(signal);
    return executor;
  }

  get backend(): Backend {
    return this.session.backend;
  }

  protected get width(): number {
    return this.#width;
  }

  async #begin(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    signal?.addEventListener("abort", () => void this.close(signal.reason), { once: true });
    const listener = this.connection.duplicate();
    listener.on("message", (_, id) => void this.#look([id]));
    await listener.connect();
    await listener.subscribe(doneChannel(this.#name));
    await this.#greet();
    const every = (ms: number, act: () => Promise<unknown>) =>
      this.#timers.push(setInterval(() => void act().catch(() => {}), ms));
    every(1000 * (SILENT_SECONDS / 4), () => this.#greet());
    every(LOOK_MS, () => this.#lookAll());
  }

  /** Says that it is there, and looks who else is. */
  async #greet(): Promise<void> {
    const { redis, place } = this.connection;
    await redis.set(sessionKey(this.session), JSON.stringify(this.session), "EX", SILENT_SECONDS);
    const workers = await workersAt(redis);
    const mine = workers.filter(({ model, backend }) => model === this.session.digest && backend === this.backend);
    const processes = mine.reduce((sum, worker) => sum + worker.processes, 0);
    this.#width = Math.min(MOST_WIDTH, Math.max(LEAST_WIDTH, 2 * processes));
    for (const { host, pid, refuses } of workers) {
      if (!refuses || this.#refusals.has(`${host} ${pid} ${refuses}`)) continue;
      this.#refusals.add(`${host} ${pid} ${refuses}`);
      this.warn(`The worker ${pid} on ${host} takes no jobs: ${refuses}.`);
    }
    if (mine.length === 0 && this.#waiting.size > 0 && !this.#lonely)
      this.warn(`No worker takes jobs from ${place} yet; start some by \`notice worker --redis\` and its address.`);
    this.#lonely = mine.length === 0 && this.#waiting.size > 0;
  }

  protected async performOne<Name extends JobName>(
    name: Name,
    input: Jobs[Name]["input"],
    signal: AbortSignal,
  ): Promise<Outcome<Jobs[Name]["output"]>> {
    const closed = this.#stop.signal;
    closed.throwIfAborted();
    try {
      return await this.#outcomeOf(name, input, signal);
    } catch (error) {
      // Whatever a connection that was closed says.
      closed.throwIfAborted();
      throw error;
    }
  }

  async #outcomeOf<Name extends JobName>(
    name: Name,
    input: Jobs[Name]["input"],
    signal: AbortSignal,
  ): Promise<Outcome<Jobs[Name]["output"]>> {
    let parcel: Awaited<ReturnType<typeof pack>>;
    try {
      parcel = await pack(input);
    } catch (error) {
      if (error instanceof NoticeError) return { error };
      throw error;
    }
    const data = { name, input: parcel.input };
    const id = createHash("sha256").update(JSON.stringify(data)).digest("hex");
    const held = await this.#pictures.hold(parcel.pictures);
    try {
      const result = await this.#resultOf(id, data, { held, signal });
      if ("output" in result) return { output: JOBS[name].receive(result.output) };
      const { code, message } = (result as { error: { code: string; message: string } }).error;
      return { error: new NoticeError((CODES.includes(code) ? code : "worker") as NoticeErrorCode, message) };
    } finally {
      await this.#pictures.release(parcel.pictures);
    }
  }

  /** Adds the job until its result is there: a Redis that lost its data has lost the job too. */
  async #resultOf(
    id: string,
    data: object,
    { held, signal }: { readonly held: { send(): Promise<void> }; readonly signal: AbortSignal },
  ): Promise<Result> {
    for (;;) {
      // One that nobody took: of a run that was interrupted.
      const known = await this.#take(id);
      if (known && !("missing" in known)) return known;
      const found = this.#waitFor(id, signal);
      found.catch(() => {}); // where adding fails before anybody waits
      await this.#queue.add("job", data, { jobId: id, removeOnComplete: true, removeOnFail: { age: KEPT_SECONDS } });
      await this.#look([id]);
      const result = await found;
      if (result !== "gone" && !("missing" in result)) return result;
      await held.send();
    }
  }

  #waitFor(id: string, signal: AbortSignal): Promise<Result | "gone"> {
    // Two of one input wait for one job.
    const before = this.#waiting.get(id);
    if (before) return before.promise;
    const either = AbortSignal.any([signal, this.#stop.signal]);
    let settle!: Omit<Waiting, "promise">;
    const promise = new Promise<Result | "gone">((resolve, reject) => {
      settle = { resolve, reject };
    });
    const onAbort = () => this.#settle(id, { error: either.reason });
    if (either.aborted) return Promise.reject(either.reason);
    either.addEventListener("abort", onAbort, { once: true });
    this.#waiting.set(id, { promise, ...settle });
    return promise.finally(() => either.removeEventListener("abort", onAbort));
  }

  #settle(id: string, how: { readonly result: Result | "gone" } | { readonly error: unknown }): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if ("error" in how) waiting?.reject(how.error);
    else waiting?.resolve(how.result);
  }

  /** Looks closer at those of all that wait of which there is something to be told, which one question finds out. */
  async #lookAll(): Promise<void> {
    const ids = [...this.#waiting.keys()];
    const asked = this.connection.redis.pipeline();
    for (const id of ids) {
      const job = this.#queue.toKey(id);
      asked.exists(resultKey(this.#name, id)).exists(job).hexists(job, "finishedOn");
    }
    const told = (await asked.exec()) ?? [];
    const is = (at: number) => told[at]?.[1] === 1;
    await this.#look(ids.filter((_, i) => is(3 * i) || !is(3 * i + 1) || is(3 * i + 2)));
  }

  /** Takes results that are there, and finds jobs that are gone. */
  async #look(ids: readonly string[]): Promise<void> {
    const waited = ids.filter((id) => this.#waiting.has(id));
    for (const id of waited)
      try {
        const result = (await this.#take(id)) ?? (await this.#fate(id));
        if (result) this.#settle(id, { result });
      } catch (error) {
        // A connection that broke is looked through again.
        if (error instanceof NoticeError) this.#settle(id, { error });
      }
  }

  async #take(id: string): Promise<Result | undefined> {
    const json = await this.connection.redis.get(resultKey(this.#name, id));
    if (json === null) return undefined;
    await this.connection.redis.unlink(resultKey(this.#name, id));
    return read("result", exactly(json));
  }

  /** Of a job without a result: given up, or gone; undefined where somebody is to do it. */
  async #fate(id: string): Promise<Result | "gone" | undefined> {
    const job = await this.#queue.getJob(id);
    if (job && !(await job.isFailed())) return undefined;
    // Between the two looks it may have ended.
    const late = await this.#take(id);
    if (late || !job) return late ?? "gone";
    await job.remove().catch(() => {});
    const message = `Its workers died: ${job.failedReason}. Each is named by \`notice workers\` while it lives.`;
    return { error: { code: "worker", message } };
  }

  async close(
    reason: unknown = new NoticeError("disposed", "The executor was closed; open another one."),
  ): Promise<void> {
    if (this.#stop.signal.aborted) return;
    const ids = [...this.#waiting.keys()];
    this.#stop.abort(reason);
    for (const timer of this.#timers) clearInterval(timer);
    const { redis } = this.connection;
    const leave = async () => {
      // Of those that nobody has begun.
      await Promise.all(ids.map((id) => this.#queue.remove(id).catch(() => {})));
      await redis.unlink(sessionKey(this.session));
      await this.#pictures.clear();
    };
    if (redis.status === "ready")
      await Promise.race([leave().catch(() => {}), new Promise((done) => setTimeout(done, 2000))]);
    await this.connection.close();
  }
}

interface Waiting {
  readonly promise: Promise<Result | "gone">;
  resolve(result: Result | "gone"): void;
  reject(reason: unknown): void;
}
