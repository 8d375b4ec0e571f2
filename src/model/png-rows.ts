/** What a byte of a row is expected to be from those left of, above and diagonally above it (PNG standard, 9.2), by filter. */
type Predictor = (left: number, above: number, corner: number) => number;

const PREDICTORS: readonly Predictor[] = [
  () => 0,
  (left) => left,
  (_, above) => above,
  (left, above) => (left + above) >> 1,
  paeth,
];

/** How rows lie: `bytes` of samples after the number of a filter, and `step` bytes to a pixel, at least 1. */
export interface RowLayout {
  readonly bytes: number;
  readonly step: number;
}

/** Undoes the filters of rows [row, 1 + bytes] in place; false where a row names a filter that there is not. */
export function unfilterRows(rows: Uint8Array, layout: RowLayout): boolean {
  for (let start = 0; start < rows.length; start += layout.bytes + 1) {
    const predict = PREDICTORS[rows[start]!];
    if (!predict) return false;
    eachByte(rows, start, layout, (at, left, above, corner) => {
      rows[at]! += predict(left, above, corner);
    });
  }
  return true;
}

/** Rows [row, bytes] -> [row, 1 + bytes], each with the filter that leaves the smallest differences (PNG standard, 12.8). */
export function filterRows(data: Uint8Array, layout: RowLayout): Uint8Array {
  const { bytes } = layout;
  const plain = new Uint8Array((data.length / bytes) * (bytes + 1));
  for (let from = 0, to = 1; from < data.length; from += bytes, to += bytes + 1)
    plain.set(data.subarray(from, from + bytes), to);
  const filtered = new Uint8Array(plain.length);
  const row = new Uint8Array(bytes + 1);
  for (let start = 0; start < plain.length; start += bytes + 1) {
    let least = Number.POSITIVE_INFINITY;
    for (const [filter, predict] of PREDICTORS.entries()) {
      let size = 0;
      row[0] = filter;
      eachByte(plain, start, layout, (at, left, above, corner) => {
        const difference = (plain[at]! - predict(left, above, corner)) & 0xff;
        row[at - start] = difference;
        size += Math.min(difference, 256 - difference);
      });
      if (size >= least) continue;
      least = size;
      filtered.set(row, start);
    }
  }
  return filtered;
}

/** Each byte of the row that starts there, with its neighbours, which are 0 outside the picture. */
function eachByte(
  rows: Uint8Array,
  start: number,
  { bytes, step }: RowLayout,
  visit: (at: number, left: number, above: number, corner: number) => void,
): void {
  const stride = bytes + 1;
  for (let i = 1; i <= bytes; i++) {
    const at = start + i;
    const [hasLeft, hasAbove] = [i > step, start > 0];
    visit(
      at,
      hasLeft ? rows[at - step]! : 0,
      hasAbove ? rows[at - stride]! : 0,
      hasLeft && hasAbove ? rows[at - stride - step]! : 0,
    );
  }
}

function paeth(left: number, above: number, corner: number): number {
  const estimate = left + above - corner;
  const [toLeft, toAbove, toCorner] = [
    Math.abs(estimate - left),
    Math.abs(estimate - above),
    Math.abs(estimate - corner),
  ];
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}
