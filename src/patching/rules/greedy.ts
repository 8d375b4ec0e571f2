import { indexes } from "../run.js";
import { bySize, columnMeans, type Evidence, FOUND_ENOUGH, type HeadSet, type Rule, wholeRows } from "./rule.js";

/** At most this share of the heads that are left is taken away at a time. */
const AT_ONCE = 1 / 4;

/** What taking several at a time may cost beside taking the best of them alone. */
const SLACK = 0.02;

/** Shares closer than this are equal: batches round differently. */
const ROUNDING = 1e-4;

/** A head stands in for a member where it brings back at least this share of what the set loses without that one. */
const STANDS_IN = 0.5;

/** As far from the whole answer as a set may be. */
const TOLERANCE = 1 - FOUND_ENOUGH;

/**
 * Takes away one head after another, those first whose absence leaves what is kept closest to the whole answer (of
 * equal ones, that with the smaller effect by itself), as long as it is close enough. Only heads that the model can do
 * without together are left out. Where two do the same work, one is left; `standIns` brings the other back.
 *
 * @param standIns also the heads that take over where a member is missing.
 */
export function greedy(about: string, standIns: boolean): Rule {
  return {
    about,
    async find(evidence) {
      const rows = wholeRows(evidence.effects, evidence.heads.length);
      if (rows.length === 0) return undefined;
      const path = await eliminate(evidence, columnMeans(rows));
      const minimal = await smallest(evidence, path);
      const circuit = standIns ? [...minimal, ...(await standingIn(evidence, minimal))] : minimal;
      const rest = path.filter((at) => !circuit.includes(at));
      return { circuit, ranked: [...circuit, ...rest] };
    },
  };
}

const distance = (kept: number) => Math.abs(1 - kept);

/** All heads, that which was taken away last first. */
async function eliminate({ heads, keep }: Evidence, sizes: readonly number[]): Promise<HeadSet> {
  let left: HeadSet = bySize(sizes).reverse();
  const taken: number[] = [];
  let now = heads.length === 0 ? 0 : distance((await keep([left]))[0]!);
  while (left.length > 1) {
    const without = await keep(left.map((one) => left.filter((at) => at !== one)));
    const cost = new Map(left.map((one, i) => [one, Math.round(distance(without[i]!) / ROUNDING)]));
    // Sorting keeps the order of equal ones: the smaller effect first.
    const order = [...left].sort((a, b) => cost.get(a)! - cost.get(b)!);
    const most = Math.max(now, cost.get(order[0]!)! * ROUNDING) + SLACK;
    const counts = halvings(Math.ceil(left.length * AT_ONCE));
    const rests = counts.map((count) => left.filter((at) => !order.slice(0, count).includes(at)));
    const distances = (await keep(rests)).map(distance);
    const fits = distances.findIndex((far, i) => counts[i] === 1 || far <= most);
    [left, now] = [rests[fits]!, distances[fits]!];
    taken.push(...order.slice(0, counts[fits]));
  }
  return [...taken, ...left].reverse();
}

/** A number, its half, and so on to 1. */
const halvings = (most: number): number[] => (most <= 1 ? [1] : [most, ...halvings(Math.floor(most / 2))]);

/** The fewest of the path's last heads that are close enough to the whole model. */
async function smallest({ keep }: Evidence, path: HeadSet): Promise<HeadSet> {
  const kept = await keep(path.map((_, i) => path.slice(0, i + 1)));
  const first = kept.findIndex((share) => distance(share) <= TOLERANCE + ROUNDING);
  return first === -1 ? path : path.slice(0, first + 1);
}

/** The heads outside a set that bring back what it loses without one of its members. */
async function standingIn({ heads, keep }: Evidence, set: HeadSet): Promise<HeadSet> {
  const outside = heads.map((_, at) => at).filter((at) => !set.includes(at));
  if (set.length === 0 || outside.length === 0) return [];
  const short = set.map((member) => set.filter((at) => at !== member));
  // With all heads there but the member: where nothing comes back then, no single one brings it back.
  const replaced = set.map((member) => heads.map((_, at) => at).filter((at) => at !== member));
  const [whole, ...alone] = await keep([set, ...short, ...replaced]);
  const isReplaced = (i: number, share: number) => share - alone[i]! >= STANDS_IN * (whole! - alone[i]!);
  const missed = indexes(set.length).filter(
    (i) => whole! - alone[i]! >= TOLERANCE && isReplaced(i, alone[set.length + i]!),
  );
  const kept = await keep(missed.flatMap((i) => outside.map((at) => [...short[i]!, at])));
  const found = kept.flatMap((share, at) => {
    const [i, j] = [Math.floor(at / outside.length), at % outside.length];
    return isReplaced(missed[i]!, share) ? [outside[j]!] : [];
  });
  return [...new Set(found)];
}
