import { execFile, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { temporaryFolder } from "./checkpoint.js";
import { freePort, pause } from "./redis.js";

const run = promisify(execFile);

/** Whether this machine has Slurm, and may run it. */
export const hasSlurm = (): boolean => existsSync("/usr/sbin/slurmctld") && process.getuid?.() === 0;

const configuration = (folder: string, host: string, [control, node]: readonly number[]) => `ClusterName=test
SlurmctldHost=${host}
SlurmctldPort=${control}
SlurmdPort=${node}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
SlurmctldLogFile=${folder}/slurmctld.log
SlurmdLogFile=${folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SchedulerType=sched/backfill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
NodeName=${host} CPUs=2 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`;

/** A Slurm of one node, this machine. */
export class OwnSlurm {
  private constructor(
    readonly folder: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  static async start(): Promise<OwnSlurm> {
    const folder = temporaryFolder();
    for (const name of ["state", "spool"]) mkdirSync(join(folder, name));
    const file = join(folder, "slurm.conf");
    writeFileSync(file, configuration(folder, hostname().split(".")[0]!, [await freePort(), await freePort()]));
    mkdirSync("/run/munge", { recursive: true });
    execFileSync("chown", ["munge:munge", "/run/munge"]);
    await run("runuser", ["-u", "munge", "--", "munged"]).catch(() => {}); // it may run already
    const slurm = new OwnSlurm(folder, { ...process.env, SLURM_CONF: file });
    for (const name of ["slurmctld", "slurmd"])
      spawn(`/usr/sbin/${name}`, ["-f", file], { stdio: "ignore", detached: true, env: slurm.env }).unref();
    for (let waited = 0; waited < 100; waited++) {
      if (/idle|mix/.test(await slurm.call("sinfo", "-h", "-o", "%T").catch(() => ""))) return slurm;
      await pause(300);
    }
    throw new Error(`Slurm does not come up: ${await slurm.call("sinfo").catch((error) => `${error}`)}`);
  }

  /** What one of its commands prints. */
  async call(command: string, ...args: string[]): Promise<string> {
    return (await run(command, args, { env: this.env, encoding: "utf8" })).stdout.trim();
  }

  /** What a script prints. */
  async shell(script: string): Promise<string> {
    return this.call("bash", "-e", "-c", script);
  }

  /**
   * Until nothing is queued or runs. What is queued again begins after three seconds instead of Slurm's two minutes; at
   * once it may be refused, since what it ran by is revoked to the second.
   */
  async idle(seconds: number): Promise<void> {
    const moved = new Set<string>();
    for (let waited = 0; waited < seconds; waited++) {
      const left = (await this.call("squeue", "-h", "-o", "%i %r")).split("\n").filter(Boolean);
      if (left.length === 0) return;
      for (const line of left) {
        const [id] = line.split(" ") as [string];
        if (!line.endsWith(" BeginTime") || moved.has(id)) continue;
        moved.add(id);
        await this.call("scontrol", "update", `JobId=${id}`, "StartTime=now+3seconds").catch(() => moved.delete(id));
      }
      await pause(1000);
    }
    throw new Error(`Jobs are left after ${seconds} s: ${await this.call("squeue")}`);
  }

  async stop(): Promise<void> {
    await this.call("scancel", "-u", "root").catch(() => {});
    await this.call("scontrol", "shutdown").catch(() => {});
    await pause(1000);
  }
}
