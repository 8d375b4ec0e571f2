/** Huffman codes that no encoder writes: cut, mixed up, or of another table. */
export class WrongCodes extends Error {}

/** A Huffman table: of codes of each length, what must be taken off them to give the place of their symbol. */
export interface CodeTable {
  /** The largest code of each length, -1 where there is none; [17] */
  readonly largest: Int32Array;
  readonly offset: Int32Array;
  readonly symbols: Uint8Array;
}

/**
 * The tables of a DHT segment by their class and slot (0x00 to 0x03 of DC, 0x10 to 0x13 of AC).
 *
 * @throws WrongCodes where it is damaged.
 */
export function readTables(content: Uint8Array): Map<number, CodeTable> {
  const tables = new Map<number, CodeTable>();
  for (let at = 2; at < content.length; ) {
    const counts = content.subarray(at + 1, at + 17);
    const total = counts.reduce((sum, count) => sum + count, 0);
    if (counts.length < 16 || total > 256 || at + 17 + total > content.length) throw new WrongCodes("a wrong table");
    tables.set(content[at]!, tableOf(counts, content.subarray(at + 17, at + 17 + total)));
    at += 17 + total;
  }
  return tables;
}

function tableOf(counts: Uint8Array, symbols: Uint8Array): CodeTable {
  const largest = new Int32Array(17).fill(-1);
  const offset = new Int32Array(17);
  for (let length = 1, code = 0, place = 0; length <= 16; length++, code <<= 1) {
    const count = counts[length - 1]!;
    offset[length] = place - code;
    code += count;
    place += count;
    if (count > 0) largest[length] = code - 1;
  }
  return { largest, offset, symbols };
}

/** Reads codes and bits, and lists them, each as 32 times its value plus its length. */
export class CodeReader {
  codes: number[] = [];
  #at = 0;
  #bits = 0;
  #count = 0;

  constructor(private readonly coded: Uint8Array) {}

  /** @throws WrongCodes at a code that the table does not have, or behind the end. */
  symbol({ largest, offset, symbols }: CodeTable): number {
    let code = 0;
    for (let length = 1; length <= 16; length++) {
      code = (code << 1) | this.#bit();
      if (code > largest[length]!) continue;
      this.codes.push(code * 32 + length);
      return symbols[code + offset[length]!]!;
    }
    throw new WrongCodes("a wrong code");
  }

  /** Passes over bits that mean nothing here, at most 16. */
  skip(count: number): void {
    if (count === 0) return;
    let value = 0;
    for (let i = 0; i < count; i++) value = (value << 1) | this.#bit();
    this.codes.push(value * 32 + count);
  }

  /** @throws WrongCodes where the restart marker of this number does not follow. */
  restart(number: number): void {
    this.#count = 0;
    while (this.#at < this.coded.length && !isMarker(this.coded, this.#at)) this.#at++;
    if (this.coded[this.#at + 1] !== 0xd0 + number) throw new WrongCodes("a wrong restart marker");
    this.#at += 2;
  }

  #bit(): number {
    if (this.#count === 0) {
      if (this.#at >= this.coded.length) throw new WrongCodes("the codes end early");
      this.#bits = this.coded[this.#at++]!;
      if (this.#bits === 0xff && this.coded[this.#at++] !== 0) throw new WrongCodes("a marker among codes");
      this.#count = 8;
    }
    return (this.#bits >> --this.#count) & 1;
  }
}

const isMarker = (coded: Uint8Array, at: number) => coded[at] === 0xff && coded[at + 1] !== 0 && coded[at + 1] !== 0xff;

/** Puts bits together, FF stuffed with 00. */
export class CodeWriter {
  #data: Uint8Array;
  #length = 0;
  #bits = 0;
  #count = 0;

  /** @param most bytes of what will be put. */
  constructor(most: number) {
    this.#data = new Uint8Array(most);
  }

  put(codes: readonly number[]): void {
    for (const code of codes) this.#put(code >> 5, code & 31);
  }

  #put(value: number, count: number): void {
    this.#bits = ((this.#bits << count) | value) & 0xffffff;
    this.#count += count;
    for (; this.#count >= 8; this.#count -= 8) this.#byte((this.#bits >> (this.#count - 8)) & 0xff);
  }

  restart(number: number): void {
    this.#fill();
    this.#data.set([0xff, 0xd0 + number], this.#length);
    this.#length += 2;
  }

  finish(): Uint8Array {
    this.#fill();
    return this.#data.subarray(0, this.#length);
  }

  #fill(): void {
    if (this.#count > 0) this.#put(0xff >> this.#count, 8 - this.#count);
  }

  #byte(byte: number): void {
    this.#data[this.#length++] = byte;
    if (byte === 0xff) this.#data[this.#length++] = 0;
  }
}
