import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ROOT } from "./root.js";

/** What `npm pack` says of a tarball. */
export interface Packed {
  readonly filename: string;
  /** In bytes, of the tarball. */
  readonly size: number;
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

/** Runs npm and returns what it prints. */
export async function npm(args: readonly string[], cwd: string): Promise<string> {
  const { stdout } = await promisify(execFile)("npm", args, { cwd, maxBuffer: 2 ** 26 });
  return stdout;
}

/** Packs what is there, without building it first. */
export async function pack(...args: string[]): Promise<Packed> {
  const [packed] = JSON.parse(await npm(["pack", "--json", "--ignore-scripts", ...args], ROOT)) as [Packed];
  return packed;
}
