import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createServer } from "node:net";
import { Redis } from "ioredis";
import { temporaryFolder } from "./checkpoint.js";
import { MAIN } from "./root.js";

/** Whether this machine has a redis-server. */
export function hasRedis(): boolean {
  try {
    execFileSync("redis-server", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** A Redis that speaks TLS and asks for a password. */
export interface Guard {
  readonly password: string;
  /** PEM files. */
  readonly key: string;
  readonly certificate: string;
}

/** A Redis of its own, on a free port and in a folder of its own. */
export class OwnRedis {
  #server: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly guard: Guard | undefined,
  ) {}

  static async start(guard?: Guard): Promise<OwnRedis> {
    const own = new OwnRedis(await freePort(), temporaryFolder(), guard);
    await own.#start();
    return own;
  }

  get url(): string {
    if (this.guard) return `rediss://default:${this.guard.password}@127.0.0.1:${this.port}/0`;
    return `redis://127.0.0.1:${this.port}/0`;
  }

  /** Its port, or how it is guarded. */
  get #doors(): string[] {
    const { port, guard } = this;
    if (!guard) return ["--port", `${port}`];
    const { password, key, certificate } = guard;
    const tls = ["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-auth-clients", "no"];
    return ["--port", "0", "--tls-port", `${port}`, "--requirepass", password, ...tls];
  }

  async #start(): Promise<void> {
    const flags = ["--bind", "127.0.0.1", "--dir", this.folder, "--save", "", "--appendonly", "yes"];
    this.#server = spawn("redis-server", [...this.#doors, ...flags], { stdio: "ignore" });
    for (let waited = 0; waited < 200; waited++) {
      if (await this.ask((redis) => redis.ping()).catch(() => undefined)) return;
      await pause(50);
    }
    throw new Error("redis-server does not answer.");
  }

  /** A question on a connection of its own. */
  async ask<Found>(question: (redis: Redis) => Promise<Found>): Promise<Found> {
    const tls = this.guard && { tls: { rejectUnauthorized: false } };
    const patience = { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: null };
    const redis = new Redis(this.url, { ...patience, ...tls });
    redis.on("error", () => {});
    try {
      await redis.connect();
      return await question(redis);
    } finally {
      redis.disconnect();
    }
  }

  /** Stopped for so long, as by a machine that swaps. */
  async pauseFor(ms: number): Promise<void> {
    this.#server!.kill("SIGSTOP");
    await pause(ms);
    this.#server!.kill("SIGCONT");
  }

  /** Killed and started anew, with what it held or with nothing. */
  async restart(keeps: "data" | "nothing"): Promise<void> {
    if (keeps === "nothing") await this.ask((redis) => redis.flushall());
    await this.stop();
    await this.#start();
  }

  async stop(): Promise<void> {
    const server = this.#server!;
    if (server.exitCode !== null || server.signalCode !== null) return;
    const ended = new Promise((resolve) => server.once("close", resolve));
    server.kill("SIGKILL");
    await ended;
  }
}

/** A worker process, as the command line starts it. */
export class OwnWorker {
  output = "";
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;

  /** @param more flags, or the command of another version. */
  constructor(url: string, ...more: (string | { readonly main: string })[]) {
    const flags = more.filter((one) => typeof one === "string");
    const { main } = more.find((one) => typeof one !== "string") ?? { main: MAIN };
    const args = [main, "worker", "--redis", url, "--concurrency", "1", "--lock", "2", ...flags];
    const env = { ...process.env, NOTICE_BACKEND: "wasm" };
    this.#child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"], env });
    this.#child.stderr!.on("data", (data) => {
      this.output += data;
    });
    this.#ended = new Promise((resolve) => this.#child.once("close", resolve));
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Until it says something that matches. */
  async says(what: RegExp, ms = 60_000): Promise<void> {
    for (let waited = 0; !what.test(this.output); waited += 50) {
      if (waited > ms) throw new Error(`The worker never said ${what}: ${this.output}`);
      await pause(50);
    }
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<number | null> {
    this.#child.kill(signal);
    return this.#ended;
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
