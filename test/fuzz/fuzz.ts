import { mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { temporaryFolder } from "../support/checkpoint.js";
import { type Finding, prepareKind, runBatch, type Tally } from "./batches.js";
import type { Batch, Limits } from "./child.js";
import { FAULTS } from "./judge.js";
import type { Kind } from "./kind.js";

/** Cases in a process: it is loaded anew for each batch, and what leaks is seen after one. */
const BATCH = 400;
const LIMITS: Limits = { caseMs: 5000, caseBytes: 512e6, keptBytes: 64e6 };

export interface FuzzOptions {
  readonly seed: number;
  /** In all, dealt out by the kinds' shares; of one kind if it is `only`. */
  readonly cases: number;
  readonly only?: string;
  /** The first case of each kind. */
  readonly from?: number;
  readonly limits?: Limits;
}

/** What came of a kind's cases. */
export interface KindTally extends Tally {
  readonly kind: string;
  readonly cases: number;
  /** Summed over processes. */
  seconds: number;
}

/**
 * Does cases of all kinds, or of one, in processes of their own, as many at a time as there are cores.
 *
 * @param module the path of a module with `KINDS`, for those processes.
 */
export async function fuzz(module: string, kinds: readonly Kind[], options: FuzzOptions): Promise<KindTally[]> {
  const { seed, cases, only, from = 0, limits = LIMITS } = options;
  const chosen = kinds.filter(({ name }) => only === undefined || name === only);
  const shares = chosen.reduce((sum, { share }) => sum + share, 0);
  const root = temporaryFolder();
  const tallies: KindTally[] = [];
  const batches: [Batch, KindTally][] = [];
  for (const { name, share, prepare } of chosen) {
    const count = Math.ceil((cases * share) / shares);
    const tally: KindTally = { kind: name, cases: count, taken: 0, refused: 0, seconds: 0, findings: [] };
    tallies.push(tally);
    const batch: Batch = { module, kind: name, seed, from, to: from + count, shared: join(root, name), limits };
    if (prepare) {
      mkdirSync(batch.shared);
      await prepareKind(batch);
    }
    for (let at = from; at < batch.to; at += BATCH)
      batches.push([{ ...batch, from: at, to: Math.min(at + BATCH, batch.to) }, tally]);
  }
  const take = async () => {
    for (let next = batches.shift(); next; next = batches.shift()) {
      const [batch, tally] = next;
      const begun = performance.now();
      await runBatch(batch, tally);
      tally.seconds += (performance.now() - begun) / 1000;
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, take));
  return tallies;
}

/** A line a kind. */
export function summaryOf(tallies: readonly KindTally[]): string {
  return tallies
    .map(({ kind, cases, taken, refused, seconds, findings }) => {
      const faults = FAULTS.map((fault) => [findings.filter((one) => one.fault === fault).length, fault] as const);
      const found = faults.map(([count, fault]) => `${count} ${fault}`).join(", ");
      return `${kind}: ${cases} cases, ${taken} taken, ${refused} refused; ${found} (${seconds.toFixed(0)} s)\n`;
    })
    .join("");
}

/** Findings whose message differs in numbers only are one, with the first case that does it. */
export function findingsOf(tallies: readonly KindTally[], seed: number): string {
  const alike = new Map<string, Finding[]>();
  for (const finding of tallies.flatMap(({ findings }) => findings)) {
    const key = `${finding.kind} ${finding.fault} ${finding.message.replace(/[\d.]+/g, "#")}`;
    alike.set(key, [...(alike.get(key) ?? []), finding]);
  }
  return [...alike.values()]
    .sort((a, b) => b.length - a.length)
    .map((found) => {
      const { kind, fault, message, case: number, to } = found.reduce((a, b) => (b.case < a.case ? b : a));
      const cases = to === undefined ? `--case ${number}` : `--from ${number} --cases ${to - number}`;
      const command = `npm run fuzz -- --seed ${seed} --only ${kind} ${cases}`;
      return `${found.length} x ${fault} in ${kind}: ${message}\n  ${command}\n`;
    })
    .join("");
}
