import { cpSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Random } from "../../src/base/random.js";
import { HubServer } from "../files/hub-server.js";
import { attributesTable } from "../support/scenes-table.js";
import { compare, type Difference, filesOf, type Rows, rowsOf } from "./compare.js";
import { killUntilDone, noticeKilled } from "./killed.js";

/** What is killed: a command that is given again goes on, or begins anew, and leaves what it leaves undisturbed. */
export interface Job {
  readonly name: string;
  /** Of 100 kills. */
  readonly share: number;
  readonly args: (folder: string) => readonly string[];
  /** What is compared. */
  readonly rows: (folder: string) => Promise<Rows>;
  readonly env?: Record<string, string>;
  /** Whether it was killed after its last step: given again it would be refused for what is there. */
  readonly isDone?: (folder: string) => boolean;
}

/** A job with what it does undisturbed. */
export interface Measured extends Job {
  /** As quickly as was seen: what is killed later than it ends is no kill. */
  seconds: number;
  readonly wanted: Rows;
  /** Names in its folder. */
  readonly left: readonly string[];
}

/** One command killed several times, until it ended. */
export interface Round extends Difference {
  readonly kills: number;
  readonly leftovers: readonly string[];
  readonly failure?: string;
}

const STUDY = [
  ...["--n", "2", "--candidates", "3", "--sites", "decoder.cross.z,text.resid_post", "--screen", "6"],
  ...["--random-sets", "4", "--workers", "1"],
];
/** Half a second at the pace of the hub below. */
const WEIGHTS = Buffer.from(Array.from({ length: 2_000_000 }, (_, i) => (i * 7919 + (i >> 9)) & 255));

/** The jobs, or those of these names, and what they need: a table, two shards of one study, a merged run, a hub. */
export async function jobsIn(folder: string, names?: readonly string[]): Promise<{ jobs: Job[]; hub: HubServer }> {
  const study = [...STUDY, "--dataset", await attributesTable(3, 1004)];
  const merged = join(folder, "merged");
  const runs = [0, 1].map((i) => join(folder, `shard-${i}`));
  const needsRuns = names === undefined || names.includes("merge") || names.includes("export");
  if (needsRuns) await makeShards(folder, study, runs);
  if (needsRuns) await done(["merge", merged, ...runs]);
  const hub = await pacedHub();
  const jobs: Job[] = [
    // All of it but the report.
    {
      name: "study",
      share: 50,
      args: (out) => ["study", ...study, "--shard", "0/1", "--out", join(out, "run")],
      rows: (out) => rowsOf(join(out, "run")),
    },
    {
      name: "download",
      share: 20,
      args: (out) => ["download", hub.id, "--cache", out],
      rows: async (out) => filesOf(join(out, "models--owner--tiny-blip", "snapshots")),
      env: { HF_ENDPOINT: hub.endpoint },
    },
    {
      name: "merge",
      share: 15,
      args: (out) => ["merge", join(out, "run"), ...runs],
      isDone: (out) => existsSync(join(out, "run")),
      // The sources as well.
      rows: async (out) => (await Promise.all([join(out, "run"), ...runs].map(rowsOf))).flat(),
    },
    {
      name: "export",
      share: 15,
      args: (out) => ["export", merged, "--out", join(out, "scores.csv")],
      rows: async (out) => filesOf(join(out, "scores.csv")),
    },
  ];
  return { jobs: jobs.filter(({ name }) => names?.includes(name) ?? true), hub };
}

/** Two runs that patched a half of one selection each. */
async function makeShards(folder: string, study: readonly string[], runs: readonly string[]): Promise<void> {
  const selected = join(folder, "selected");
  await done(["prepare", ...study, "--out", selected]);
  for (const stage of ["evaluate", "select", "screen"]) await done([stage, "--out", selected]);
  for (const [i, run] of runs.entries()) {
    cpSync(selected, run, { recursive: true });
    await done(["patch", "--out", run, "--shard", `${i}/${runs.length}`, "--workers", "1"]);
  }
}

/** A hub whose weights come in pieces, so that a download has a middle. */
async function pacedHub(): Promise<HubServer> {
  const files = {
    "config.json": "{}",
    "preprocessor_config.json": "{ }",
    "vocab.txt": "[PAD]\n",
    "model.safetensors": WEIGHTS,
  };
  const hub = await HubServer.start(files);
  hub.fault = ({ path, range }, response) => {
    if (!path.startsWith("/cdn/")) return false;
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0);
    const length = { "content-length": WEIGHTS.length - from };
    response.writeHead(
      range ? 206 : 200,
      range ? { ...length, "content-range": `bytes ${from}-${WEIGHTS.length - 1}/${WEIGHTS.length}` } : length,
    );
    let at = from;
    const timer = setInterval(() => {
      response.write(WEIGHTS.subarray(at, at + 50_000));
      at += 50_000;
      if (at >= WEIGHTS.length) response.end();
    }, 10);
    response.on("close", () => clearInterval(timer));
    return true;
  };
  return hub;
}

async function done(args: readonly string[], env?: Record<string, string>): Promise<number> {
  const { code, stderr, seconds } = await noticeKilled(args, env);
  if (code !== 0) throw new Error(`Undisturbed, notice ${args[0]} ended with ${code}: ${stderr}`);
  return seconds;
}

/** Does a job undisturbed. */
export async function measure(job: Job, folder: string): Promise<Measured> {
  mkdirSync(folder, { recursive: true });
  const seconds = await done(job.args(folder), job.env);
  return { ...job, seconds, wanted: await job.rows(folder), left: namesIn(folder) };
}

/** Kills a job, goes on, and compares what it left with what it leaves undisturbed. */
export async function torture(job: Measured, folder: string, choose: Random, most: number): Promise<Round> {
  mkdirSync(folder, { recursive: true });
  const { kills, failure, seconds } = await killUntilDone(job.args(folder), {
    isDone: () => job.isDone?.(folder) ?? false,
    choose,
    seconds: job.seconds,
    most,
    env: job.env,
  });
  if (kills === 0) job.seconds = Math.min(job.seconds, seconds);
  if (failure !== undefined) return { kills, failure, lost: 0, doubled: 0, changed: 0, leftovers: [] };
  const leftovers = namesIn(folder).filter((name) => !job.left.includes(name));
  return { kills, leftovers, ...compare(job.wanted, await job.rows(folder)) };
}

/** Every name below a folder. The hub's cache keeps a folder of locks; what is in it counts. */
function namesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(dirname(name), basename(name)));
}
