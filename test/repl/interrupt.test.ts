import { PassThrough } from "node:stream";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as library from "../../src/index.js";
import { runSession } from "../../src/repl/session.js";
import { NARROW } from "../support/samples.js";

// A terminal of our own: what is typed goes in as keys, Ctrl-C as the byte that it is.

test("Ctrl-C stops what a line computes and keeps the session", async () => {
  process.env.NOTICE_REPL_HISTORY = "";
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => input });
  const output = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
  let written = "";
  output.on("data", (data) => {
    written += data;
  });
  const until = async (what: string) => {
    while (!written.includes(what)) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  const blip = await library.loadBlip(NARROW);
  const session = runSession(blip, library, { stdin: input, stdout: output } as unknown as NodeJS.Process);
  await until("> ");
  const loop = `${"var n = 0; const inputs = { ...pairs[0], image: pairs[0].image };"}\r`;
  input.write(loop);
  input.write(
    'for (;;) { n++; await blip.ask({ image: pairs[0].image, question: "is it red?" }); if (n === 3) console.log("third") }\r',
  );
  const global = globalThis as unknown as { n?: number };
  while ((global.n ?? 0) < 4) await new Promise((resolve) => setTimeout(resolve, 10));
  input.write("\x03");
  const before = global.n!;
  input.write('"kept" + 1\r');
  await until("kept1");
  const stopped = global.n!;
  assert.ok(stopped <= before + 20, `${stopped - before} questions after Ctrl-C`);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.is(global.n, stopped);
  input.write("\x04");
  await session;
});

test.run();
