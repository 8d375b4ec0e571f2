import { test } from "uvu";
import * as assert from "uvu/assert";
import { tileNotice } from "../../src/cli/tile-notice.js";
import type { Model } from "../../src/patching/model.js";
import { Decoder } from "../support/decoders.js";

/** What the notice says while `told` is called, one minute after it began. */
async function said(split: boolean, told: (notice: (done: number, total: number) => void) => void): Promise<string[]> {
  const decoder = await Decoder.load("idefics3", { split });
  const { question } = decoder.expected.questions.clean;
  const [image, corruptImage] = [decoder.picture("clean"), decoder.picture("corrupt")];
  using pair = await (decoder.model as Model).pair({ image, corruptImage, question, answers: ["red", "blue"] });
  const lines: string[] = [];
  const [{ now }, { write }] = [performance, process.stderr];
  process.stderr.write = ((line: string) => lines.push(line) > 0) as typeof write;
  try {
    const notice = tileNotice(pair);
    const begun = now.call(performance);
    performance.now = () => begun + 60_000;
    told(notice);
  } finally {
    performance.now = now;
    process.stderr.write = write;
  }
  return lines;
}

test("a long sweep of a picture in tiles says once what it costs, and what takes less", async () => {
  const lines = await said(true, (notice) => {
    notice(10, 100);
    notice(20, 100);
  });
  assert.is(lines.length, 1);
  assert.match(
    lines[0]!,
    /The picture is in 5 tiles, which are 20 of \d+ tokens\. These 100 patches take about (10|11) min; /,
  );
  assert.match(lines[0]!, "--no-split takes the picture whole, as 4 tokens.");
});

test("a short sweep, and one of a whole picture, say nothing", async () => {
  assert.equal(await said(true, (notice) => notice(100, 30)), []);
  assert.equal(await said(false, (notice) => notice(10, 100)), []);
});

test.run();
