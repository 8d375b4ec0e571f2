import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { temporaryFolder } from "../support/checkpoint.js";
import { MAIN } from "../support/root.js";
import { NARROW } from "../support/samples.js";

const test = suite("repl");
const ARGS = [MAIN, "repl"];
const { NO_COLOR, FORCE_COLOR, ...PLAIN_ENV } = process.env;

/** The answers to lines that are piped in. */
function session(lines: readonly string[], ...args: string[]): string[] {
  const input = lines.join("\n");
  const options = { input, env: PLAIN_ENV, encoding: "utf8" } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [...ARGS, ...args], options);
  assert.equal([status, stderr], [0, ""]);
  return stdout.trimEnd().split("\n");
}

test("lines piped in are answered in order, what is replaced is freed, errors are messages", () => {
  const answers = session([
    "const tensors = () => tf.memory().numTensors",
    "const before = tensors()",
    'let z = await pair.clean.at("text.cross.z", L1)',
    "tensors() - before",
    "z = 0",
    "tensors() - before",
    'pair.clean.at("text.cross.z", L0)',
    "_.shape.length",
    "tensors() - before",
    "const held = [tf.ones([2]), { inner: tf.ones([3]) }]",
    "held",
    "tensors() - before",
    "held.pop()",
    "1",
    "tensors() - before",
    "const size = pair.clean.activations.streams.text.length",
    "pair = await blip.pair(pairs[1])",
    "tensors() - before",
    "for (const i of [0, 1]) {",
    "  i",
    "}",
    "pairs.every(({ image }) => image.data instanceof Uint8Array)",
    'await sweep(pair, { site: "text.cros.z" })',
    "missing",
    "'still here'",
  ]);
  const expected = [
    /^1$/,
    /^0$/,
    /^0$/,
    /^float32 \[\d+, 6, 16\], min/,
    /^3$/,
    /^0$/,
    /^\[ Tensor float32 \[2\], \{ inner: Tensor float32 \[3\] \} \]$/,
    /^2$/,
    /^\{ inner: Tensor float32 \[3\] \}$/,
    /^1$/,
    /^1$/,
    /^is this .*the image is corrupted$/,
    /^1$/,
    /^1$/,
    /^true$/,
    /^Uncaught:$/,
    /^NoticeError: There is no site "text\.cros\.z"\. Did you mean text\.cross\.z\?/,
    /^Uncaught ReferenceError: missing is not defined$/,
    /^'still here'$/,
  ];
  const firsts = answers.filter((line) => !/^\s/.test(line));
  assert.is(firsts.length, expected.length, answers.join("\n"));
  for (const [i, pattern] of expected.entries()) assert.match(firsts[i]!, pattern, answers.join("\n"));
});

test("another model; its heads have names", () => {
  const answers = session(["blip", "L1H2", "typeof L9", "process.exitCode", "L0H9"], NARROW);
  assert.match(
    answers[0]!,
    /^blip-vqa .*narrow: layers x heads vision \d+ x \d+, text \d+ x \d+, decoder \d+ x \d+; on /,
  );
  assert.equal(answers.slice(1, 4), ["{ layer: 1, head: 2 }", "'undefined'", "Uncaught:"]);
  assert.match(
    answers[4]!,
    /^NoticeError: There is no L0H9 in .*narrow: vision has L0H0 to L2H1, text has L0H0 to L1H3, decoder has L0H0 to L1H3\.$/,
  );
});

test("a map of heads names its tokens and how to see another's; .help shows the library", () => {
  const answers = session(['scores = await sweep(pair, { site: "text.cross.z" })', ".help", "[pair.clean, scores]"]);
  const tokens = answers.find((line) => line.startsWith("tokens: "));
  assert.match(tokens!, /^tokens: 0 \[CLS\], 1 is, 2 this, .* \[SEP\]$/);
  const at = answers.indexOf(tokens!);
  assert.is(answers[at + 1], "another: show(scores, { token: 0 })");
  const help = answers.join("\n");
  for (const part of ["await patchHead(pair", "show(scores, {", "docs/guide.md", ".exit", ".save"])
    assert.match(help, part);
  assert.match(
    help,
    /\n\[\n? +Run of blip-vqa over tokens: vision 65, text 9, decoder 1,\n? +Scores of text\.cross\.z \[3, 6, 9\]/,
  );
});

(existsSync("/usr/bin/script") ? test : test.skip)("in a terminal: a prompt, colours, 80 columns, a history", () => {
  const history = join(temporaryFolder(), "history");
  const command = [process.execPath, ...ARGS].map((word) => `'${word}'`).join(" ");
  const { status, stdout } = spawnSync("script", ["-qec", `stty cols 80 rows 40; ${command}`, "/dev/null"], {
    input: "await sweep(pair, { site: 'text.resid_post' })\nshow(pairs[1])\n.exit\n",
    // Nothing else of the environment: Node also takes CI, TMUX and more as words on colours.
    env: { PATH: process.env.PATH, TERM: "xterm-256color", NOTICE_REPL_HISTORY: history },
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.is(status, 0);
  assert.match(stdout, /Tab completes[\s\S]*> /);
  assert.match(stdout, /\[38;5;\d+;48;5;25m +0\.\d\d /, "the blue end of the scale");
  const lines = stripVTControlCharacters(stdout).split(/\r?\n/);
  const blocks = lines.filter((line) => line.includes("▀"));
  assert.ok(blocks.length >= 15, `${blocks.length} lines of pixels`);
  for (const line of lines.filter((line) => /▀|^ +\d |^layer/.test(line))) assert.ok(line.length <= 80, line);
  assert.match(readFileSync(history, "utf8"), /^\.exit\nshow\(pairs\[1\]\)\nawait sweep/);
});

test.run();
