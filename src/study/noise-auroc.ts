import { Z95 } from "../base/mean.js";
import { ranks } from "../patching/comparison.js";

/**
 * The middle 95% of the mean AUROC of attention that is as smooth as a head's own and has nothing to do with the
 * picture: its own maps, moved to every place of the grid around its edges (torus shifts; Harms et al. 2001), over an
 * object that is as large and in one piece. Neighbouring patches are alike in attention, so that fewer of them count
 * than there are. A grid that is no square takes patches to be independent: a rank sum's variance (Mann and Whitney
 * 1947).
 *
 * @param shares of the patches that each sample's object covers.
 * @param maps of the head, [map][patch], row by row.
 */
export function noiseAuroc(
  shares: readonly number[],
  maps: readonly (readonly number[])[],
): [low: number, high: number] | null {
  const patches = Math.max(0, ...maps.map(({ length }) => length));
  const inside = shares.map((share) => Math.round(share * patches)).filter((one) => one > 0 && one < patches);
  if (inside.length === 0) return null;
  const ranked = maps.filter(({ length }) => length === patches).map(ranks);
  const known = new Map([...new Set(inside)].map((size) => [size, varianceOf(size, ranked)]));
  const half = (Z95 * Math.sqrt(inside.reduce((sum, size) => sum + known.get(size)!, 0))) / inside.length;
  return [Math.max(0, 0.5 - half), Math.min(1, 0.5 + half)];
}

/** Of the AUROC of an object of so many patches, as nearly square as the grid lets it be, which lies anywhere. */
function varianceOf(size: number, ranked: readonly (readonly number[])[]): number {
  const patches = ranked[0]!.length;
  const side = Math.sqrt(patches);
  if (!Number.isInteger(side)) return (patches + 1) / (12 * size * (patches - size));
  const width = Math.min(side, Math.ceil(Math.sqrt(size)));
  const rows = Math.floor(size / width);
  let sum = 0;
  for (const map of ranked) {
    const row = rowSums(map, side, width);
    const last = rowSums(map, side, size - rows * width);
    for (let at = 0; at < patches; at++) {
      let within = last[(at + rows * side) % patches]!;
      for (let down = 0; down < rows; down++) within += row[(at + down * side) % patches]!;
      sum += ((within - (size * (size - 1)) / 2) / (size * (patches - size)) - 0.5) ** 2;
    }
  }
  return sum / (ranked.length * patches);
}

/** For each patch the sum of so many of its row, from it on and around the edge. */
function rowSums(map: readonly number[], side: number, width: number): number[] {
  return map.map((_, at) => {
    const [first, column] = [at - (at % side), at % side];
    let sum = 0;
    for (let x = 0; x < width; x++) sum += map[first + ((column + x) % side)]!;
    return sum;
  });
}
