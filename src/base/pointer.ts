import { NoticeError, type NoticeErrorCode } from "./errors.js";

/** What git leaves in the place of a large file that has not been fetched. */
export const POINTER = "version https://git-lfs.github.com/spec/";

/** Whether a file's text, or its first bytes, is such a pointer. */
export function isPointer(start: string | Uint8Array): boolean {
  if (typeof start === "string") return start.startsWith(POINTER);
  return start.length >= POINTER.length && [...POINTER].every((char, i) => start[i] === char.charCodeAt(0));
}

/** A pointer says where a file is, and has nothing of it. */
export function pointerError(file: string, code: NoticeErrorCode = "checkpoint"): NoticeError {
  return new NoticeError(
    code,
    `${file} is a Git LFS pointer, not the file itself. Run "git lfs pull" in its folder (git-lfs must be installed), or download the file.`,
  );
}
