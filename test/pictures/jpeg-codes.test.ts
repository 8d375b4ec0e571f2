import { test } from "uvu";
import * as assert from "uvu/assert";
import { readTables, WrongCodes } from "../../src/pictures/jpeg-codes.js";

/** The segment's length, which is not looked at, and tables: slot, codes of each length from 1 to 16, symbols. */
const segment = (...tables: readonly (readonly [slot: number, counts: readonly number[], symbols: number])[]) =>
  Uint8Array.from([
    0,
    0,
    ...tables.flatMap(([slot, counts, symbols]) => [
      slot,
      ...Array.from({ length: 16 }, (_, i) => counts[i] ?? 0),
      ...Array.from({ length: symbols }, (_, i) => i),
    ]),
  ]);

test("codes are numbered as the standard does, of each length on from those before", () => {
  // T.81, C.2: codes 00 and 01 of two bits, 100 of three, 1010 and 1011 of four.
  const tables = readTables(segment([0x00, [0, 2, 1, 2], 5], [0x11, [1], 1]));
  assert.equal([...tables.keys()], [0x00, 0x11]);
  const { largest, offset, symbols } = tables.get(0)!;
  assert.equal([...largest].slice(0, 6), [-1, -1, 0b01, 0b100, 0b1011, -1]);
  assert.equal(
    [0b00, 0b01].map((code) => symbols[code + offset[2]!]),
    [0, 1],
  );
  assert.is(symbols[0b100 + offset[3]!], 2);
  assert.equal(
    [0b1010, 0b1011].map((code) => symbols[code + offset[4]!]),
    [3, 4],
  );
});

test("a table is whole, and of at most the 256 symbols that a byte tells apart", () => {
  const counts = (of15: number, of16: number) => [...Array<number>(14).fill(0), of15, of16];
  assert.is(readTables(segment([0, counts(1, 255), 256])).get(0)!.symbols.length, 256);
  const wrong = [
    segment([0, counts(2, 255), 257]),
    segment([0, [2], 1]),
    segment([0, [0, 1], 1]).subarray(0, 10),
    segment([0, [0, 1], 1], [1, [], 0]).subarray(0, 25),
  ];
  for (const content of wrong)
    assert.throws(
      () => readTables(content),
      (error: unknown) => error instanceof WrongCodes,
    );
});

test.run();
