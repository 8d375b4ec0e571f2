import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Queue } from "bullmq";
import type { Random } from "../../src/base/random.js";
import { random } from "../../src/base/random.js";
import { digestOf } from "../../src/executors/redis/parcel.js";
import { pictureKey, queueOf, resultKey } from "../../src/executors/redis/protocol.js";
import { sessionsAt } from "../../src/executors/redis/records.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { OwnRedis, OwnWorker, pause } from "../support/redis.js";
import { MAIN, ROOT } from "../support/root.js";
import { attributesTable } from "../support/scenes-table.js";
import { compare, type Rows, rowsOf } from "./compare.js";
import { noticeKilled } from "./killed.js";

// A whole study through a real Redis, disturbed again and again; its rows are then those of one process.

const STUDY = [
  ...["--n", "2", "--candidates", "4", "--sites", "decoder.cross.z,text.resid_post", "--screen", "6"],
  ...["--random-sets", "4", "--backend", "wasm"],
];

/** Faults of one study, at most. */
const FAULTS_A_ROUND = 20;

/** A study that takes longer hangs. */
const MOST_SECONDS = 600;

/** What happens to a queue. */
export const FAULTS = [
  "a worker killed",
  "a computing process killed",
  "the coordinator killed",
  "Redis stopped for a while",
  "Redis killed, with its data",
  "Redis killed, without its data",
  "a worker's connection cut",
  "all connections cut",
  "a job delivered twice",
  "a poisoned job",
  "a worker of another version",
] as const;
export type Fault = (typeof FAULTS)[number];

/** What came of all faults. */
export interface QueueTally {
  readonly faults: Record<Fault, number>;
  rounds: number;
  lost: number;
  doubled: number;
  changed: number;
  readonly rows: number;
  /** A line each, with its round. */
  readonly findings: string[];
}

/**
 * Disturbs studies so many times in all.
 *
 * @param long how long Redis stops at the longest, in milliseconds.
 * @param onRound hears of every round.
 */
export async function tortureQueue(
  faults: number,
  seed: number,
  { long, onRound = () => {} }: { readonly long: number; readonly onRound?: (said: string) => void },
): Promise<QueueTally> {
  const root = temporaryFolder();
  const study = ["study", ...STUDY, "--dataset", await attributesTable(4, 1004)];
  const whole = join(root, "whole");
  const { code, stderr } = await noticeKilled([...study, "--workers", "1", "--out", whole]);
  if (code !== 0) throw new Error(`Undisturbed, the study ended with ${code}: ${stderr}`);
  const wanted = await rowsOf(whole);
  const none = Object.fromEntries(FAULTS.map((name) => [name, 0])) as Record<Fault, number>;
  const tally: QueueTally = {
    faults: none,
    rounds: 0,
    lost: 0,
    doubled: 0,
    changed: 0,
    rows: wanted.length,
    findings: [],
  };
  const strange = otherVersion(join(root, "strange"));
  const done = () => Object.values(tally.faults).reduce((sum, count) => sum + count, 0);
  while (done() < faults) {
    const round = tally.rounds++;
    const choose = random(seed, "queue", round);
    const most = Math.min(1 + Math.floor(choose.between(0, FAULTS_A_ROUND)), faults - done());
    const folder = join(root, `queue-${round}`);
    await using scene = await Scene.start([...study, "--out", folder], { strange, choose, long, tally });
    try {
      await scene.run(most);
      count(tally, round, wanted, await rowsOf(folder));
    } catch (error) {
      tally.findings.push(`round ${round}, ${scene.told}: ${(error as Error).message}`);
    }
    onRound(`round ${round}: ${done()} faults so far, ${tally.findings.length} findings; ${scene.told}`);
  }
  return tally;
}

function count(tally: QueueTally, round: number, wanted: Rows, rows: Rows): void {
  const { lost, doubled, changed } = compare(wanted, rows);
  tally.lost += lost;
  tally.doubled += doubled;
  tally.changed += changed;
  if (lost + doubled + changed > 0)
    tally.findings.push(`round ${round}: ${lost} rows lost, ${doubled} doubled, ${changed} changed`);
}

/** The package as of another version, for workers that are to refuse. */
function otherVersion(folder: string): string {
  mkdirSync(folder);
  const own = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ ...own, version: "99.0.0" }));
  cpSync(join(MAIN, "..", ".."), join(folder, "dist"), { recursive: true });
  for (const name of ["node_modules", "weights"]) symlinkSync(join(ROOT, name), join(folder, name));
  return join(folder, "dist", "cli", "main.js");
}

interface SceneOptions {
  /** The command of another version. */
  readonly strange: string;
  readonly choose: Random;
  readonly long: number;
  readonly tally: QueueTally;
}

/** One study: its Redis, its workers and its coordinator. */
class Scene implements AsyncDisposable {
  readonly #workers = new Set<OwnWorker>();
  readonly #strangers = new Set<OwnWorker>();
  /** Poisoned jobs that Redis has not lost since. */
  readonly #poisoned = new Map<string, string>();
  readonly #told: string[] = [];
  #coordinator: ChildProcess | undefined;
  #ended = false;

  private constructor(
    private readonly redis: OwnRedis,
    private readonly args: readonly string[],
    private readonly options: SceneOptions,
  ) {}

  static async start(args: readonly string[], options: SceneOptions): Promise<Scene> {
    const scene = new Scene(await OwnRedis.start(), args, options);
    scene.#addWorker();
    scene.#addWorker();
    return scene;
  }

  /** What was done so far. */
  get told(): string {
    return this.#told.join(", then ") || "undisturbed";
  }

  /** Until the study is done; at most so many faults. @throws Error where it does not go on. */
  async run(most: number): Promise<void> {
    const deadline = Date.now() + 1000 * MOST_SECONDS;
    const study = this.#coordinate(deadline).finally(() => {
      this.#ended = true;
    });
    study.catch(() => {});
    const { choose, tally } = this.options;
    for (let done = 0; done < most && !this.#ended; ) {
      await Promise.race([pause(choose.between(100, 1500)), study.catch(() => {})]);
      if (this.#ended) break;
      const fault = FAULTS[Math.floor(choose.between(0, FAULTS.length))]!;
      if (!(await this.#inject(fault))) continue;
      this.#told.push(fault);
      tally.faults[fault]++;
      done++;
    }
    await study;
    await this.#checkPoisoned();
    for (const one of this.#strangers)
      if (/Takes jobs of/.test(one.output)) throw new Error("a worker of another version took jobs");
  }

  /** The command again and again, until it ends by itself. */
  async #coordinate(deadline: number): Promise<void> {
    for (;;) {
      const args = [MAIN, ...this.args, "--executor", this.redis.url];
      const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
      this.#coordinator = child;
      let said = "";
      child.stderr!.on("data", (text) => {
        said = `${said}${text}`.slice(-4000);
      });
      const timer = setTimeout(() => child.kill("SIGKILL"), deadline - Date.now());
      const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
      clearTimeout(timer);
      if (code === 0) return;
      if (Date.now() >= deadline) throw new Error(`it hangs: ${said.trim().split("\n").slice(-3).join(" | ")}`);
      // Nobody answers while Redis is restarted or stopped: whoever gave the command gives it again.
      if (code !== null && !/No Redis answers/.test(said))
        throw new Error(`the coordinator ended with ${code}: ${said.trim().split("\n").at(-1)}`);
      await pause(200);
    }
  }

  #addWorker(): void {
    this.#workers.add(new OwnWorker(this.redis.url));
  }

  /** @returns whether there was something to disturb. */
  async #inject(fault: Fault): Promise<boolean> {
    const { choose, long, strange } = this.options;
    switch (fault) {
      case "a worker killed": {
        const [one] = this.#workers;
        this.#workers.delete(one!);
        await one!.kill();
        this.#addWorker();
        return true;
      }
      case "a computing process killed": {
        const pids = [...this.#workers].flatMap(({ pid }) => childrenOf(pid));
        const pid = pids[Math.floor(choose.between(0, pids.length))];
        if (pid !== undefined) process.kill(pid, "SIGKILL");
        return pid !== undefined;
      }
      case "the coordinator killed":
        return this.#coordinator!.kill("SIGKILL");
      case "Redis stopped for a while":
        await this.redis.pauseFor(choose.between(500, choose.chance(0.1) ? long : 4000));
        return true;
      case "Redis killed, with its data":
        // What was written within the last second may be lost: it is flushed once a second.
        this.#poisoned.clear();
        await this.redis.restart("data");
        return true;
      case "Redis killed, without its data":
        this.#poisoned.clear();
        await this.redis.restart("nothing");
        return true;
      case "a worker's connection cut":
        return this.#cutOne();
      case "all connections cut":
        await this.redis.ask((one) => one.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"));
        return true;
      case "a job delivered twice":
        return this.#deliverTwice();
      case "a poisoned job":
        return this.#poison();
      case "a worker of another version": {
        if (this.#strangers.size > 0) return false;
        this.#strangers.add(new OwnWorker(this.redis.url, { main: strange }));
        return true;
      }
    }
  }

  /** A random connection. */
  async #cutOne(): Promise<boolean> {
    const { choose } = this.options;
    const list = String(await this.redis.ask((one) => one.call("CLIENT", "LIST")));
    const ids = [...list.matchAll(/^id=(\d+) /gm)].map(([, id]) => id!);
    const id = ids[Math.floor(choose.between(0, ids.length))]!;
    await this.redis.ask((one) => one.call("CLIENT", "KILL", "ID", id)).catch(() => {});
    return true;
  }

  /** Takes the lock of a job in work away: its worker counts as dead, and another one gets it. */
  async #deliverTwice(): Promise<boolean> {
    const locks = await this.redis.ask((one) => one.keys("notice:*:lock"));
    if (locks.length === 0) return false;
    return (await this.redis.ask((one) => one.unlink(...locks))) > 0;
  }

  /** A job whose picture is none. */
  async #poison(): Promise<boolean> {
    const [session] = await this.redis.ask(sessionsAt);
    if (!session) return false;
    const bytes = Buffer.from("no picture");
    const digest = digestOf(bytes);
    await this.redis.ask((one) => one.set(pictureKey(digest), bytes, "EX", 600));
    const queue = queueOf(session);
    const id = `poisoned-${this.#told.length}`;
    const connection = { host: "127.0.0.1", port: this.redis.port, maxRetriesPerRequest: 1 };
    const raw = new Queue(queue, { connection, prefix: "notice" });
    raw.on("error", () => {});
    const input = { asked: { image: { $bytes: digest }, question: "is it red?" } };
    try {
      await raw.add("job", { name: "ask", input }, { jobId: id, removeOnComplete: true });
      this.#poisoned.set(id, queue);
      return true;
    } finally {
      await raw.close();
    }
  }

  /** Each failed by itself, with its reason. */
  async #checkPoisoned(): Promise<void> {
    for (const [id, queue] of this.#poisoned) {
      let found: string | null = null;
      for (let waited = 0; found === null && waited < 20_000; waited += 100) {
        found = await this.redis.ask((one) => one.get(resultKey(queue, id)));
        if (found === null) await pause(100);
      }
      const { code } = JSON.parse(found ?? "{}").error ?? {};
      if (code !== "image") throw new Error(`a poisoned job was told ${found}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#coordinator?.kill("SIGKILL");
    await Promise.all([...this.#workers, ...this.#strangers].map((one) => one.kill()));
    await this.redis.stop();
  }
}

/** Processes that a process started, on Linux. */
function childrenOf(pid: number): number[] {
  try {
    const list = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    return list.trim().split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

export function queueSummary({ faults, rounds, lost, doubled, changed, rows, findings }: QueueTally): string {
  const kinds = Object.entries(faults).map(([name, count]) => `  ${name}: ${count}\n`);
  const compared = `${rows} rows each, ${lost} lost, ${doubled} doubled, ${changed} changed\n`;
  return `${kinds.join("")}studies through a queue: ${rounds} rounds; ${compared}${findings.map((one) => `  ${one}\n`).join("")}`;
}
