import { statfsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { formatBytes } from "../base/bytes.js";
import { NoticeError, type NoticeErrorCode } from "../base/errors.js";

/** By the system's name of an error: what it means, and what to do. */
const MEANINGS: Readonly<Record<string, readonly [why: string, cure: string]>> = {
  ENOENT: ["there is no such file", "Give the path of one that is there"],
  ENOSPC: ["the disk is full", "Make room, or give a place on another disk, and call again"],
  EDQUOT: ["all that you may use of the disk is used", "Make room, or give a place on another disk, and call again"],
  EACCES: ["its permissions forbid it", "Change them, or give another place"],
  EPERM: ["the system forbids it", "Change its permissions, or give another place"],
  EROFS: ["the disk is read-only", "Give a place on another disk"],
  EISDIR: ["it is a folder", "Give the name of a file"],
  ENOTDIR: ["a part of its path is no folder", "Give another path"],
  EEXIST: ["something of this name is there already", "Give another name, or move it away"],
  ENOTEMPTY: ["something of this name is there already", "Give another name, or move it away"],
  ELOOP: ["its links lead in a circle", "Give another path"],
  ENAMETOOLONG: ["its name is too long", "Give a shorter one"],
  EMFILE: ["this process has as many files open as it may", "Raise the limit (ulimit -n), or do less at a time"],
  ENFILE: ["the system has as many files open as it may", "Close other programs, or do less at a time"],
  EFBIG: ["the disk's file system takes no file that large", "Give a place on another disk"],
  EXDEV: ["it lies on another disk", "Give a place on one disk"],
  EBUSY: ["another program uses it", "Wait until it has ended"],
  ETXTBSY: ["another program uses it", "Wait until it has ended"],
  EIO: ["the disk reports a fault", "Check the disk, or give a place on another one"],
};

/** The system's own words, as libraries in C and C++ pass them on. */
const WORDS: Readonly<Record<string, string>> = {
  "no space left on device": "ENOSPC",
  "there is not enough space on the disk": "ENOSPC",
  "disk quota exceeded": "EDQUOT",
  "permission denied": "EACCES",
  "read-only file system": "EROFS",
  "is a directory": "EISDIR",
  "not a directory": "ENOTDIR",
  "too many open files": "EMFILE",
  "file too large": "EFBIG",
};

/** Errors after which it matters how much room there is. */
const OF_ROOM: readonly string[] = ["ENOSPC", "EDQUOT", "EFBIG"];

/** Whether an error is the system's of a file, such as a full disk's, and no mistake of a program. */
export function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error && "code" in error && `${error.code}` in MEANINGS;
}

/**
 * Why a file could not be used, how much room there is where that matters, and what to do. What is a NoticeError stays
 * one.
 *
 * @param done such as "written".
 */
export function fileError(path: string, done: string, cause: unknown, code: NoticeErrorCode = "options"): NoticeError {
  if (cause instanceof NoticeError) return cause;
  const [why, cure] = meaningOf(path, done, cause as NodeJS.ErrnoException);
  return new NoticeError(code, `${path} cannot be ${done}: ${why}. ${cure}.`, { cause });
}

/** Whether there was no room for what was to be written. */
export function isFull(error: unknown): boolean {
  return error instanceof Error && OF_ROOM.includes(codeOf(error));
}

function codeOf({ code = "", message }: NodeJS.ErrnoException): string {
  const said = Object.keys(WORDS).find((words) => message.toLowerCase().includes(words));
  return code in MEANINGS || said === undefined ? code : WORDS[said]!;
}

function meaningOf(path: string, done: string, cause: NodeJS.ErrnoException) {
  const code = codeOf(cause);
  const folder = dirname(resolve(path));
  if (code === "ENOENT" && (done === "written" || done === "made"))
    return [`the folder ${dirname(path)} does not exist`, "Make it, or give another place"];
  const [why, cure] = MEANINGS[code] ?? [cause.message.split("\n")[0], "Give another place"];
  return [`${why}${OF_ROOM.includes(code) ? roomIn(folder) : ""}`, cure];
}

function roomIn(folder: string): string {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return ` (${formatBytes(bavail * bsize)} free in ${folder})`;
  } catch {
    return "";
  }
}
