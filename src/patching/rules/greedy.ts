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
    let count = Math.max(1, Math.ceil(left.length * AT_ONCE));
    for (; ; count = Math.floor(count / 2)) {
      const gone = new Set(order.slice(0, count));
      const rest = left.filter((at) => !gone.has(at));
      now = distance((await keep([rest]))[0]!);
      if (count > 1 && now > most) continue;
      left = rest;
      break;
    }
    taken.push(...order.slice(0, count));
  }
  return [...taken, ...left].reverse();
}

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
  const found = new Set<number>();
  const [whole] = await keep([set]);
  const short = set.map((member) => set.filter((at) => at !== member));
  const alone = await keep(short);
  // With all heads there but the member: where nothing comes back then, no single one brings it back.
  const replaced = await keep(set.map((member) => heads.map((_, at) => at).filter((at) => at !== member)));
  for (const [i, rest] of short.entries()) {
    const loss = whole! - alone[i]!;
    const isReplaced = (share: number) => share - alone[i]! >= STANDS_IN * loss;
    if (loss < TOLERANCE || !isReplaced(replaced[i]!)) continue;
    const kept = await keep(outside.map((at) => [...rest, at]));
    for (const [j, share] of kept.entries()) if (isReplaced(share)) found.add(outside[j]!);
  }
  return [...found];
}
