import type { PngHeader } from "./png-chunks.js";

/** Pixels that are stored together: all of them, or one in `dx` by `dy`. */
export interface Pass {
  /** Column and row of its first pixel, and the steps to the next. */
  readonly x: number;
  readonly y: number;
  readonly dx: number;
  readonly dy: number;
  readonly columns: number;
  readonly rows: number;
  /** Of a row, without the byte before it that names its filter. */
  readonly rowBytes: number;
}

// Adam7: x, y, dx and dy of each pass (PNG standard, 8.1).
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;
const WHOLE = [[0, 0, 1, 1]] as const;

/** The passes that have pixels, in the order of the file. */
function passesOf({ width, height, depth, channels, interlaced }: PngHeader): readonly Pass[] {
  return (interlaced ? ADAM7 : WHOLE)
    .map(([x, y, dx, dy]) => {
      const [columns, rows] = [Math.ceil((width - x) / dx), Math.ceil((height - y) / dy)];
      return { x, y, dx, dy, columns, rows, rowBytes: Math.ceil((columns * depth * channels) / 8) };
    })
    .filter(({ columns, rows }) => columns > 0 && rows > 0);
}

/** The bytes of all rows, each with its filter's. */
export function inflatedLength(header: PngHeader): number {
  return passesOf(header).reduce((sum, { rows, rowBytes }) => sum + rows * (1 + rowBytes), 0);
}

/**
 * Takes the inflated data in pieces of any length and hands over each row as soon as it is whole, its filter undone; no
 * more than two rows are held.
 */
export class RowReader {
  readonly #passes: readonly Pass[];
  /** Bytes to the same sample of the pixel on the left. */
  readonly #step: number;
  #pass = 0;
  #row = 0;
  #filled = 0;
  /** The row that is being read, its filter's byte first, and the one above it. */
  #current: Uint8Array;
  #above: Uint8Array;

  constructor(
    header: PngHeader,
    private readonly take: (row: Uint8Array, pass: Pass, index: number) => void,
  ) {
    this.#passes = passesOf(header);
    this.#step = Math.max(1, (header.depth * header.channels) / 8);
    const longest = 1 + Math.max(...this.#passes.map(({ rowBytes }) => rowBytes));
    this.#current = new Uint8Array(longest);
    this.#above = new Uint8Array(longest);
  }

  /** What comes behind the last row is ignored. @throws RangeError where a row names no filter. */
  read(part: Uint8Array): void {
    for (let at = 0; at < part.length && this.#pass < this.#passes.length; ) {
      const length = 1 + this.#passes[this.#pass]!.rowBytes;
      const piece = part.subarray(at, at + length - this.#filled);
      this.#current.set(piece, this.#filled);
      at += piece.length;
      this.#filled += piece.length;
      if (this.#filled === length) this.#finish(length);
    }
  }

  #finish(length: number): void {
    const pass = this.#passes[this.#pass]!;
    const row = this.#current.subarray(1, length);
    undoFilter(this.#current[0]!, row, this.#above.subarray(1, length), this.#step);
    this.take(row, pass, this.#row);
    [this.#current, this.#above] = [this.#above, this.#current];
    this.#filled = 0;
    if (++this.#row < pass.rows) return;
    this.#row = 0;
    this.#pass++;
    this.#above.fill(0);
  }
}

/** PNG standard, 9.2: each byte is stored as its difference from what its neighbours predict. */
function undoFilter(filter: number, row: Uint8Array, above: Uint8Array, step: number): void {
  if (filter > 4) throw new RangeError(`there is no filter ${filter}`);
  if (filter === 1) for (let i = step; i < row.length; i++) row[i]! += row[i - step]!;
  else if (filter === 2) for (let i = 0; i < row.length; i++) row[i]! += above[i]!;
  else if (filter === 3) {
    for (let i = 0; i < step && i < row.length; i++) row[i]! += above[i]! >> 1;
    for (let i = step; i < row.length; i++) row[i]! += (row[i - step]! + above[i]!) >> 1;
  } else if (filter === 4) {
    for (let i = 0; i < step && i < row.length; i++) row[i]! += above[i]!;
    for (let i = step; i < row.length; i++) row[i]! += nearest(row[i - step]!, above[i]!, above[i - step]!);
  }
}

/** Paeth: whichever of the three is nearest to left + above - corner. */
function nearest(left: number, above: number, corner: number): number {
  const toLeft = Math.abs(above - corner);
  const toAbove = Math.abs(left - corner);
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}
