import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fileError, isFileError } from "../../src/files/system-error.js";
import { makeFolder, writeWhole } from "../../src/files/write.js";
import { temporaryFolder } from "../support/checkpoint.js";
import { refused } from "../support/refused.js";

/** As Node throws it. */
const systemError = (code: string, errno: number) =>
  Object.assign(new Error(`${code}: said by the system, write`), { code, errno, syscall: "write" });

/** Lets every write into an open file end in an error. */
async function failingWrites(error: Error, work: () => Promise<void>): Promise<void> {
  await using probe = await open(join(temporaryFolder(), "probe"), "w");
  const prototype = Object.getPrototypeOf(probe);
  const { writeFile } = prototype;
  prototype.writeFile = () => Promise.reject(error);
  try {
    await work();
  } finally {
    prototype.writeFile = writeFile;
  }
}

test("a full disk: what was written, how much room there is, what to do; the file of before stays", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "scores.json");
  writeFileSync(path, "of an earlier run");
  await failingWrites(systemError("ENOSPC", -28), async () => {
    const parts = [path, "cannot be written: the disk is full", /\([\d.]+ [kMGT]?B free in \//, "Make room"];
    const message = await refused(() => writeWhole(path, "new"), "options", ...parts);
    assert.not.match(message, "ENOSPC");
  });
  assert.equal(readdirSync(folder), ["scores.json"]);
  assert.is(readFileSync(path, "utf8"), "of an earlier run");
});

test("places that cannot be written to", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "file"), "");
  mkdirSync(join(folder, "full/inside"), { recursive: true });
  const cases: [string, string][] = [
    ["none/file", `the folder ${join(folder, "none")} does not exist. Make it`],
    ["file/below", "a part of its path is no folder. Give another path"],
    [`${"n".repeat(300)}`, "its name is too long. Give a shorter one"],
    ["full", "it is a folder. Give the name of a file"],
  ];
  for (const [name, why] of cases) await refused(() => writeWhole(join(folder, name), ""), "options", why);
  await refused(() => makeFolder(join(folder, "file/below")), "options", "cannot be made: something of this name");
  assert.equal(readdirSync(folder).sort(), ["file", "full"]);
});

test("what the system says is said in words, with what to do", () => {
  for (const code of ["EACCES", "EPERM", "EROFS", "EISDIR", "ENOTDIR", "EMFILE", "ENFILE", "EDQUOT", "EIO", "ELOOP"]) {
    const error = systemError(code, -1);
    assert.ok(isFileError(error));
    const { message, code: kind, cause } = fileError("a/file", "written", error, "image");
    assert.is(kind, "image");
    assert.is(cause, error);
    assert.match(message, /^a\/file cannot be written: [^.]+( \([^)]+\))?\. [A-Z][^.]+\.$/);
    assert.not.match(message, code);
  }
  assert.not.ok(isFileError(new TypeError("a mistake")));
  assert.not.ok(isFileError(systemError("ECONNREFUSED", -111)));
});

test.run();
