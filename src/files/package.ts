import { readFileSync } from "node:fs";

/** The version of this package, as `package.json` has it. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return version as string;
}
