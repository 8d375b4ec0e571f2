import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { NoticeErrorCode } from "../../src/base/errors.js";
import { openDataset } from "../../src/data/datasets.js";
import { readPairs } from "../../src/data/pairs.js";
import { svoImages } from "../../src/data/svo-probes.js";
import { fetchImages } from "../../src/files/fetch-images.js";
import { checkpointFolder } from "../../src/files/folder.js";
import { readPicture } from "../../src/files/picture.js";
import { readBytes, readParts, readText } from "../../src/files/read.js";
import { historyFile, openHistory } from "../../src/repl/history.js";
import { StudyRun } from "../../src/study/run.js";
import { readSettings } from "../../src/study/settings.js";
import { temporaryFolder, writeCheckpoint } from "../support/checkpoint.js";
import { refused } from "../support/refused.js";

/** Every way that a file of somebody's is opened: the file's name in a folder, and what opens it. */
const OPENERS: Record<string, [name: string, open: (folder: string) => Promise<unknown>, code?: NoticeErrorCode]> = {
  "a picture": ["a.png", (folder) => readPicture(join(folder, "a.png")), "image"],
  "a checkpoint's config": ["config.json", (folder) => checkpointFolder(folder).text("config.json"), "checkpoint"],
  "a checkpoint's weights": [
    "model.safetensors",
    (folder) => checkpointFolder(folder).bytes("model.safetensors"),
    "checkpoint",
  ],
  settings: ["study.toml", (folder) => readSettings(join(folder, "study.toml"))],
  "a run's settings": ["settings.json", (folder) => StudyRun.open(folder)],
  "a list of pairs": ["pairs.jsonl", (folder) => readPairs(join(folder, "pairs.jsonl"), "image")],
  "SVO-Probes' table": ["svo_probes.csv", svoImages],
  "a table in CSV": ["own.csv", (folder) => everything(openDataset(join(folder, "own.csv")))],
  "a table in JSONL": ["own.jsonl", (folder) => everything(openDataset(join(folder, "own.jsonl")))],
  "a manifest": ["manifest.json", (folder) => fetchImages([], folder)],
};

async function everything(dataset: Awaited<ReturnType<typeof openDataset>>): Promise<void> {
  for await (const _ of dataset({ pieces: () => 1, seed: 0 }));
}

for (const [what, [name, open, code = "options"]] of Object.entries(OPENERS))
  test(`${what}: a pipe, a socket, a device and a folder are refused by their kind, unopened`, async () => {
    const folder = temporaryFolder();
    const path = join(folder, name);
    execFileSync("mkfifo", [path]);
    await refused(() => open(folder), code, path, "not a file but a pipe");
    rmSync(path);
    const server = createServer().listen(path);
    await new Promise((resolve) => server.once("listening", resolve));
    await refused(() => open(folder), code, path, "not a file but a socket");
    await new Promise((resolve) => server.close(resolve));
    mkdirSync(path);
    await refused(() => open(folder), code, path, "not a file but a folder");
  });

test("a device never comes to an end, and is not begun", async () => {
  for (const device of ["/dev/zero", "/dev/null"]) {
    await refused(() => readBytes(device), "options", `${device} is not a file but a device`);
    await refused(() => readPicture(device), "image", `${device} is not a file but a device`);
  }
});

test("a prompt's history that is a pipe is not kept", async () => {
  const path = join(temporaryFolder(), "history");
  execFileSync("mkfifo", [path]);
  assert.is(await openHistory(historyFile({ NOTICE_REPL_HISTORY: path })), undefined);
});

test("a run that has a pipe among its model's weights", async () => {
  const folder = writeCheckpoint(temporaryFolder());
  execFileSync("mkfifo", [join(folder, "more.safetensors")]);
  using run = await StudyRun.open(join(temporaryFolder(), "run"), { model: folder });
  await refused(() => run.modelHash(), "options", "more.safetensors is not a file but a pipe");
});

test("files come whole, in parts, or not at all", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "text");
  writeFileSync(path, "\uFEFFä line\n");
  copyFileSync(path, join(folder, "copy"));
  assert.equal([...(await readBytes(path))], [...readFileSync(path)]);
  assert.is(await readText(path), readFileSync(path, "utf8"));
  const parts = async (size?: number) => {
    const found: Buffer[] = [];
    for await (const part of readParts(path, size)) found.push(part);
    return `${Buffer.concat(found)}`;
  };
  assert.equal([await parts(), await parts(5), await parts(0)], ["\uFEFFä line\n", "\uFEFFä", ""]);
  await refused(() => readText(path, { most: 5 }), "options", "has 11 B; at most 5 B are read");
  await refused(() => readText(join(folder, "none")), "options", "there is no such file");
  await refused(() => readText(join(path, "below")), "options", "a part of its path is no folder");
});

test.run();
