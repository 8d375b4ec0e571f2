import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = new URL("../../", import.meta.url);

/** The checkpoint that the package ships, found from any working directory. */
export const SHIPPED_MODEL = "weights/scenes";

/** What the package ships for first steps, by the paths that its documentation names. */
const SHIPPED = /^(weights\/(scenes|seeds\/3)|examples\/[a-z-]+\.png)$/;

/** The version of this package, as `package.json` has it. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL("package.json", ROOT), "utf8"));
  return version as string;
}

/** Whether this is the repository, whose scripts no installed package has. */
export function isCheckout(): boolean {
  const root = dirname(realpathSync(new URL("package.json", ROOT)));
  return existsSync(join(root, "scripts/native.ts"));
}

/** The path itself, or, where there is nothing and the package ships something of this name, that. */
export function orShipped(path: string): string {
  if (!SHIPPED.test(path) || existsSync(path)) return path;
  return fileURLToPath(new URL(path, ROOT));
}
