import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { formatBytes } from "../../src/base/bytes.js";
import { downloadCommand } from "../../src/cli/download.js";
import { clock, progress } from "../../src/cli/progress.js";
import { COMMIT, HubServer } from "./hub-server.js";

/** What is written to a stream while `action` runs, with the stream said to be a terminal or not. */
async function written(name: "stdout" | "stderr", isTTY: boolean, action: () => unknown): Promise<string> {
  const stream = process[name];
  const { write, isTTY: before } = stream;
  let text = "";
  stream.isTTY = isTTY;
  stream.write = (chunk: unknown) => {
    text += chunk;
    return true;
  };
  try {
    await action();
  } finally {
    Object.assign(stream, { write, isTTY: before });
  }
  return text;
}

test("notice download prints the folder on stdout and plain lines on stderr", async () => {
  const cache = await mkdtemp(join(tmpdir(), "notice-hub-"));
  const files = {
    "config.json": "{}",
    "preprocessor_config.json": "{}\n",
    "vocab.txt": "a",
    "model.safetensors": "xyz",
  };
  await using server = await HubServer.start(files);
  const before = process.env.HF_ENDPOINT;
  process.env.HF_ENDPOINT = server.endpoint;
  try {
    let folder = "";
    const run = () =>
      downloadCommand().parseAsync(["owner/tiny-blip", "--revision", COMMIT, "--cache", cache], { from: "user" });
    const lines = await written("stderr", false, async () => {
      folder = await written("stdout", false, run);
    });
    assert.is(folder, `${join(cache, "models--owner--tiny-blip/snapshots", COMMIT)}\n`);
    assert.match(lines, /^download: config\.json .*\n(.*\n)*download: model\.safetensors \(6 B of 9 B so far\)\n$/);
  } finally {
    if (before === undefined) delete process.env.HF_ENDPOINT;
    else process.env.HF_ENDPOINT = before;
    await rm(cache, { recursive: true });
  }
});

test("a progress bar shows count, rate, time left and a harmless note, and only to a terminal", async () => {
  const work = async () => {
    const bar = progress(200, "sweep", "patches");
    bar.update(100);
    await new Promise((resolve) => setTimeout(resolve, 250));
    bar.update(150, "L5H3 \u001b[2J");
    bar.stop();
  };
  assert.is(await written("stderr", false, work), "");
  const text = await written("stderr", true, work);
  assert.match(text, /sweep \[=+\.+\] 75% 150\/200 patches \d+\/s, 0:01 left L5H3 \uFFFD\[2J/);
});

test("times and sizes are written for people", () => {
  assert.equal([0.2, 61, 3723].map(clock), ["0:01", "1:01", "1:02:03"]);
  assert.equal([0, 999, 1540, 1.54e9, 123.4e6].map(formatBytes), ["0 B", "999 B", "1.54 kB", "1.54 GB", "123 MB"]);
});

test.run();
