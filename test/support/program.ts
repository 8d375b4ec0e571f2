import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { transform } from "esbuild";
import { temporaryFolder } from "./checkpoint.js";
import { ROOT } from "./root.js";

/** Runs Node in the repository's root, as a reader would, with `input` to read; what it prints. */
export async function runNode(args: readonly string[], input = ""): Promise<string> {
  // Numbers printed in colour can't be read back.
  const { NO_COLOR, FORCE_COLOR, ...env } = process.env;
  const running = promisify(execFile)(process.execPath, args, { cwd: ROOT, env });
  running.child.stdin!.end(input);
  return (await running).stdout;
}

/**
 * Runs the statements of a page's code, TypeScript, as a program: without a loader, which starts as long as the program
 * runs.
 */
export async function runCode(statements: string): Promise<string> {
  return runNode([await programOf(statements)]);
}

/** The same within this process, where all is loaded. */
export async function runCodeHere(statements: string): Promise<string> {
  const file = await programOf(statements);
  const { write } = process.stdout;
  let printed = "";
  process.stdout.write = (text: string | Uint8Array) => {
    printed += text;
    return true;
  };
  try {
    await import(pathToFileURL(file).href);
  } finally {
    process.stdout.write = write;
  }
  return printed;
}

async function programOf(statements: string): Promise<string> {
  const file = join(temporaryFolder(), "code.mjs");
  const { code } = await transform(`async function main() {${statements}}\nawait main();`, {
    loader: "ts",
    format: "esm",
    target: "node20",
  });
  writeFileSync(file, code);
  return file;
}
