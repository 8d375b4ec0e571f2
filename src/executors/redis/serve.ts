import { hostname } from "node:os";
import { setTimeout as timer } from "node:timers/promises";
import { NoticeError } from "../../base/errors.js";
import { checkShape, keysOf } from "../../base/options.js";
import { type HubOptions, resolveModel } from "../../files/hub.js";
import { modelDigest } from "../../files/model-digest.js";
import { packageVersion } from "../../files/package.js";
import type { JobName } from "../../jobs/jobs.js";
import { MAX_FILE_BYTES } from "../../pictures/decode.js";
import type { Backend } from "../../platform/backend.js";
import { openPool, type Pool } from "../processes.js";
import { type Connection, connect } from "./connect.js";
import { digestOf, exactJson, unpack } from "./parcel.js";
import {
  doneChannel,
  KEPT_SECONDS,
  objection,
  pictureKey,
  queueOf,
  type Result,
  read,
  resultKey,
  type Session,
  SILENT_SECONDS,
  sessionKey,
  type WorkerRecord,
  workerKey,
} from "./protocol.js";
import { sessionsAt } from "./records.js";

/** A worker's processes, and what it computes with. */
export interface ServeOptions {
  /** Processes, each with the model. Default: as a pool's. */
  readonly concurrency?: number;
  /** Takes only jobs for this one. Default: what the coordinator wants. */
  readonly backend?: Backend;
  /** Where the model is here. Default: by the coordinator's name for it. */
  readonly model?: string;
  /** Bytes that all its processes together may take. Default: what the machine has available. */
  readonly memory?: number;
  /** How the model is downloaded. */
  readonly hub?: HubOptions;
  /** Ends it once the samples in work are done. */
  readonly signal?: AbortSignal;
  /** Hears what it does. */
  readonly say?: (message: string) => void;
  /** Seconds without a word after which its samples go to another worker. Default 30. */
  readonly lock?: number;
}

const SERVE_KEYS = keysOf<ServeOptions>({
  ...{ concurrency: true, backend: true, model: true, memory: true, hub: true, signal: true, say: true, lock: true },
});

/** A worker looks for work, and says that it is there, every so many milliseconds. */
const STEP_MS = 1000;

/**
 * Takes jobs from the queues of a Redis until the signal, of one model after the other. Computing goes on in processes
 * of its own, so that this one always answers for its jobs.
 *
 * @throws NoticeError `options`, `network`
 */
export async function serveQueue(url: string, options: ServeOptions = {}): Promise<void> {
  checkShape("serveQueue", options, { such: "{ concurrency: 4 }", keys: SERVE_KEYS });
  const { say = () => {}, signal } = options;
  const connection = await connect(url, say);
  const worker = new Served(connection, options, say);
  // What waits for a Redis that is away would never end.
  const leaveNow = () => connection.redis.status !== "ready" && void connection.close();
  signal?.addEventListener("abort", leaveNow, { once: true });
  try {
    await worker.greet();
    say(`Waiting for jobs from ${connection.place}.`);
    while (!signal?.aborted) {
      const session = await worker.next();
      if (session) await worker.serve(session);
      else await pause(STEP_MS, signal);
    }
  } catch (error) {
    if (!signal?.aborted) throw error;
  } finally {
    signal?.removeEventListener("abort", leaveNow);
    await worker.leave();
    await connection.close();
  }
}

/** One worker: at most one model at a time. */
class Served {
  readonly #id = `${hostname()}-${process.pid}-${Date.now()}`;
  readonly #since = Date.now();
  /** Why sessions are refused, by queue. */
  readonly #refused = new Map<string, string>();
  #state: Pick<WorkerRecord, "processes" | "backend" | "model"> = { processes: 0 };
  #done = 0;
  #active = 0;

  constructor(
    private readonly connection: Connection,
    private readonly options: ServeOptions,
    private readonly say: (message: string) => void,
  ) {}

  /** Says that it is there. */
  async greet(): Promise<void> {
    const refuses = [...this.#refused.values()].at(-1);
    const record: WorkerRecord = {
      ...{ host: hostname(), pid: process.pid, version: packageVersion(), ...this.#state },
      ...{ done: this.#done, active: this.#active, since: this.#since, refuses },
    };
    await this.connection.redis.set(workerKey(this.#id), JSON.stringify(record), "EX", SILENT_SECONDS);
  }

  async leave(): Promise<void> {
    if (this.connection.redis.status === "ready") await this.connection.redis.unlink(workerKey(this.#id));
  }

  /** A session whose jobs it can take, if there is one. */
  async next(): Promise<Session | undefined> {
    const sessions = await sessionsAt(this.connection.redis);
    const there = new Set(sessions.map(queueOf));
    for (const name of this.#refused.keys()) if (!there.has(name)) this.#refused.delete(name);
    await this.greet();
    for (const session of sessions) {
      if (this.#refused.has(queueOf(session))) continue;
      const why = objection(session, this.options.backend);
      if (why === undefined) return session;
      await this.#refuse(session, why);
    }
    return undefined;
  }

  async #refuse(session: Session, why: string): Promise<void> {
    this.#refused.set(queueOf(session), why);
    this.say(`Takes no jobs of ${session.model}: ${why}.`);
    await this.greet();
  }

  /** Takes jobs of a session until it ends, and its last job with it. */
  async serve(session: Session): Promise<void> {
    const opened = await this.#open(session);
    if (typeof opened === "string") return this.#refuse(session, opened);
    await using pool = opened;
    this.#state = { processes: pool.workers, backend: session.backend, model: session.digest };
    await this.greet();
    const { lock = 30, signal } = this.options;
    this.say(`Takes jobs of ${session.model} with ${pool.workers} processes (${pool.backend}).`);
    const work = (job: { id?: string; data: unknown }) => this.#perform(session, pool, job);
    const worker = this.connection.worker(queueOf(session), work, { concurrency: pool.workers, lockMs: 1000 * lock });
    worker.on("error", () => {}); // a lock that was lost while Redis was away: the job is somebody else's now
    try {
      await this.#stay(session, signal);
    } finally {
      await worker.close();
      this.#state = { processes: 0 };
      this.say(`Done with ${session.model}: ${this.#done} jobs so far.`);
    }
  }

  async #open(session: Session): Promise<Pool | string> {
    const { concurrency: workers, memory, hub, model = session.model } = this.options;
    try {
      const folder = await resolveModel(model, { ...hub });
      const digest = await modelDigest(folder);
      if (digest !== session.digest)
        return `${model} is another model here (${digest}, and the coordinator's is ${session.digest}); --model names the right one`;
      const warn = this.say;
      return await openPool(folder, {
        backend: session.backend,
        split: session.split,
        bits: session.bits,
        ...(workers && { workers }),
        ...(memory && { memory }),
        warn,
      });
    } catch (error) {
      if (error instanceof NoticeError) return `${error.message.replace(/\.$/, "")}`;
      throw error;
    }
  }

  async #stay(session: Session, signal: AbortSignal | undefined): Promise<void> {
    let away = 0;
    while (!signal?.aborted) {
      await pause(STEP_MS, signal);
      await this.greet();
      const there = await this.connection.redis.exists(sessionKey(session));
      // A Redis that lost its data is told of the session again.
      away = there || this.#active > 0 ? 0 : away + STEP_MS;
      if (away > 500 * SILENT_SECONDS) return;
    }
  }

  /** Performs a job and leaves its result, whatever it is, for whoever waits for it. */
  async #perform(session: Session, pool: Pool, { id, data }: { id?: string; data: unknown }): Promise<string> {
    const { redis } = this.connection;
    this.#active++;
    try {
      const result = await this.#resultOf(pool, data);
      const queue = queueOf(session);
      await redis.set(resultKey(queue, id!), exactJson(result), "EX", KEPT_SECONDS);
      await redis.publish(doneChannel(queue), id!);
      return "done";
    } finally {
      this.#active--;
      this.#done++;
    }
  }

  async #resultOf(pool: Pool, data: unknown): Promise<Result> {
    const missing: string[] = [];
    try {
      const { name, input } = read("payload", data);
      const unpacked = await unpack(input, async (digest) => {
        const bytes = await this.#picture(digest);
        if (!bytes) missing.push(digest);
        return bytes ?? new Uint8Array();
      });
      if (missing.length > 0) return { missing };
      // Which jobs there are, and what they take, the process knows.
      const inputs = [{ key: 0, input: unpacked as never }];
      for await (const { output, error } of pool.perform(name as JobName, inputs)) {
        if (error) throw error;
        return { output };
      }
      throw new NoticeError("worker", "The job gave nothing.");
    } catch (error) {
      if (!(error instanceof NoticeError)) throw error;
      return { error: { code: error.code, message: error.message } };
    }
  }

  async #picture(digest: string): Promise<Uint8Array | undefined> {
    const key = pictureKey(digest);
    const size = await this.connection.redis.strlen(key);
    if (size > MAX_FILE_BYTES) throw new NoticeError("image", `The picture ${digest} has ${size} bytes.`);
    const bytes = size > 0 ? await this.connection.redis.getBuffer(key) : null;
    return bytes && digestOf(bytes) === digest ? bytes : undefined;
  }
}

/** Ends early at the signal, which whoever waits then sees. */
const pause = (ms: number, signal: AbortSignal | undefined) => timer(ms, undefined, { signal }).catch(() => {});
