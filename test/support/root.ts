import { fileURLToPath } from "node:url";

/** The repository, in which `npm test` runs. The tests that run are compiled ones (test/start.mjs). */
export const ROOT = process.cwd();

/** `notice`, for Node to run. */
export const MAIN = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));
