import { test } from "uvu";
import * as assert from "uvu/assert";
import { pictureText } from "../../src/display/blocks.js";

/** Red over green, blue over white. */
const picture = { width: 2, height: 2, data: Uint8Array.of(255, 0, 0, 0, 0, 255, 0, 255, 0, 255, 255, 255) };

test("two rows make a line of half blocks", () => {
  assert.is(
    pictureText(picture, { columns: 80, colours: 16_777_216 }),
    "\x1b[38;2;255;0;0;48;2;0;255;0m▀\x1b[0m\x1b[38;2;0;0;255;48;2;255;255;255m▀\x1b[0m",
  );
});

test("of 256 colours the nearest", () => {
  assert.is(
    pictureText(picture, { columns: 80, colours: 256 }),
    "\x1b[38;5;196;48;5;46m▀\x1b[0m\x1b[38;5;21;48;5;231m▀\x1b[0m",
  );
});

test("without colour, letters for brightness", () => {
  const grey = (...levels: number[]) => Uint8Array.from(levels.flatMap((level) => [level, level, level]));
  assert.is(pictureText({ width: 3, height: 2, data: grey(0, 128, 255, 0, 128, 255) }), " +@");
});

test("large pictures keep their proportions within the side and the terminal", () => {
  const large = { width: 300, height: 150, data: new Uint8Array(300 * 150 * 3) };
  const size = (columns: number, side?: number) => {
    const lines = pictureText(large, { columns, colours: 0 }, side).split("\n");
    return [lines[0]!.length, lines.length];
  };
  assert.equal(size(80), [48, 12]);
  assert.equal(size(20), [20, 5]);
  assert.equal(size(80, 61), [61, 16]); // 31 rows, the last of which fills its line
});

test.run();
