import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = new URL("../../", import.meta.url);

/** What the package ships for first steps, by the paths that its documentation names. */
const SHIPPED = /^(weights\/scenes|examples\/[a-z-]+\.png)$/;

/** The version of this package, as `package.json` has it. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL("package.json", ROOT), "utf8"));
  return version as string;
}

/** The path itself, or, where there is nothing and the package ships something of this name, that. */
export function orShipped(path: string): string {
  if (!SHIPPED.test(path) || existsSync(path)) return path;
  return fileURLToPath(new URL(path, ROOT));
}
