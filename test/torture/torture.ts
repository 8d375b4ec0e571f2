import { rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { random } from "../../src/base/random.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { jobsIn, type Measured, measure, type Round, torture } from "./jobs.js";

/** Kills of one run, at most, before it may end. */
const KILLS_A_ROUND = 8;

/** What came of a job's kills. */
export interface JobTally {
  readonly name: string;
  readonly seconds: number;
  readonly rows: number;
  rounds: number;
  kills: number;
  lost: number;
  doubled: number;
  changed: number;
  leftovers: number;
  failures: number;
  /** A line each, with the round that it was. */
  readonly findings: string[];
}

/** Kills jobs so many times in all, as many jobs at a time as there are cores. */
export async function tortureAll(kills: number, seed: number, only?: string): Promise<JobTally[]> {
  const root = temporaryFolder();
  const { jobs, hub } = await jobsIn(root, only === undefined ? undefined : [only]);
  await using _ = hub;
  const shares = jobs.reduce((sum, { share }) => sum + share, 0);
  const tallies: JobTally[] = [];
  for (const job of jobs) {
    const measured = await measure(job, join(root, `${job.name}-undisturbed`));
    const tally = tallyOf(measured);
    tallies.push(tally);
    const wanted = Math.round((kills * job.share) / shares);
    await killJob(measured, tally, { root, seed, wanted });
  }
  return tallies;
}

/** Rounds of one job. Merges and exports open what they read, which one process at a time may: no two at once. */
async function killJob(
  job: Measured,
  tally: JobTally,
  { root, seed, wanted }: { root: string; seed: number; wanted: number },
) {
  let [begun, asked] = [0, 0];
  const take = async () => {
    while (asked < wanted) {
      const round = begun++;
      const choose = random(seed, job.name, round);
      const most = Math.min(1 + Math.floor(choose.between(0, KILLS_A_ROUND)), wanted - asked);
      asked += most;
      const folder = join(root, `${job.name}-${round}`);
      const found = await torture(job, folder, choose, most);
      // A run may have ended before it was killed so often.
      asked -= most - found.kills;
      countRound(tally, found, round);
      rmSync(folder, { recursive: true, force: true });
    }
  };
  const alone = job.name === "merge" || job.name === "export";
  await Promise.all(Array.from({ length: alone ? 1 : availableParallelism() }, take));
}

const tallyOf = ({ name, seconds, wanted }: Measured): JobTally => ({
  ...{ name, seconds, rows: wanted.length, rounds: 0, kills: 0 },
  ...{ lost: 0, doubled: 0, changed: 0, leftovers: 0, failures: 0, findings: [] },
});

/** Adds a round to the tally. */
export function countRound(
  tally: JobTally,
  { kills, lost, doubled, changed, leftovers, failure }: Round,
  round: number,
): void {
  tally.rounds++;
  tally.kills += kills;
  tally.lost += lost;
  tally.doubled += doubled;
  tally.changed += changed;
  tally.leftovers += leftovers.length;
  if (failure !== undefined) tally.failures++;
  const found = [
    ...(lost + doubled + changed > 0 ? [`${lost} rows lost, ${doubled} doubled, ${changed} changed`] : []),
    ...(leftovers.length > 0 ? [`left over: ${leftovers.slice(0, 5).join(", ")}`] : []),
    ...(failure === undefined ? [] : [`does not go on: ${failure}`]),
  ];
  for (const one of found) tally.findings.push(`${tally.name}, round ${round}, after ${kills} kills: ${one}`);
}

export function summaryOf(tallies: readonly JobTally[]): string {
  return tallies
    .map(({ name, rounds, kills, rows, lost, doubled, changed, leftovers, failures, seconds, findings }) => {
      const compared = `${rows} rows each, ${lost} lost, ${doubled} doubled, ${changed} changed`;
      const killed = `${name} (${seconds.toFixed(1)} s): ${kills} kills in ${rounds} rounds`;
      const line = `${killed}; ${compared}; ${leftovers} leftovers, ${failures} not gone on\n`;
      return line + findings.map((one) => `  ${one}\n`).join("");
    })
    .join("");
}
