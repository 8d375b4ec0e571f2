import { PassThrough } from "node:stream";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { printable } from "../../src/base/inspect.js";
import { nearest256, PLAIN, paint, terminalOf } from "../../src/display/terminal.js";
import type { Colour } from "../../src/page/colour.js";

/** xterm's palette from 16 on, as its table 256colres.h has it: the cube, then the greys. */
const PALETTE: Colour[] = [
  ...[0, 95, 135, 175, 215, 255].flatMap((r, _, steps) => steps.flatMap((g) => steps.map((b): Colour => [r, g, b]))),
  ...Array.from({ length: 24 }, (_, i): Colour => [8 + 10 * i, 8 + 10 * i, 8 + 10 * i]),
];

test("of 256 colours the nearest is taken", () => {
  const distance = (a: Colour, b: Colour) => a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0);
  for (const colour of PALETTE) assert.is(distance(colour, PALETTE[nearest256(colour) - 16]!), 0, `${colour}`);
  for (let seed = 1; seed < 3000; seed += 7) {
    const colour: Colour = [(seed * 37) % 256, (seed * 101) % 256, (seed * 193) % 256];
    const least = Math.min(...PALETTE.map((one) => distance(colour, one)));
    assert.is(distance(colour, PALETTE[nearest256(colour) - 16]!), least, `${colour}`);
  }
});

test("colours are of the terminal's own kind", () => {
  const terminal = (colours: 0 | 256 | 16_777_216) => ({ columns: 80, colours });
  assert.is(paint("x", [255, 0, 0], [0, 0, 0], terminal(256)), "\x1b[38;5;196;48;5;16mx\x1b[0m");
  assert.is(paint("x", [254, 1, 0.4], [0, 0, 9], terminal(16_777_216)), "\x1b[38;2;254;1;0;48;2;0;0;9mx\x1b[0m");
  assert.is(paint("x", [255, 0, 0], [0, 0, 0], terminal(0)), "x");
});

test("a terminal's colours follow the environment; a pipe has none unless forced", () => {
  const tty = Object.assign(new PassThrough(), { isTTY: true, columns: 100 });
  assert.equal(terminalOf(tty, { TERM: "xterm-256color" }), { columns: 100, colours: 256 });
  assert.is(terminalOf(tty, { TERM: "xterm", COLORTERM: "truecolor" }).colours, 16_777_216);
  assert.is(terminalOf(tty, { TERM: "dumb" }).colours, 0);
  assert.is(terminalOf(tty, { TERM: "xterm-256color", NO_COLOR: "1" }).colours, 0);
  assert.is(terminalOf(tty, { TERM: "xterm-256color", NO_COLOR: "1", FORCE_COLOR: "3" }).colours, 0);
  assert.equal(terminalOf(new PassThrough(), { TERM: "xterm-256color" }), PLAIN);
  assert.is(terminalOf(new PassThrough(), { FORCE_COLOR: "2" }).colours, 256);
});

test("nothing that a terminal obeys is left in words of others", () => {
  assert.is(printable("a\x1b[2Jb\u202ec\n"), "a\uFFFD[2Jb\uFFFDc\uFFFD");
});

test.run();
