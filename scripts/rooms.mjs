import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";

// `npm run check`: a file of src imports from its own room or from rooms before it. docs/architecture.md draws them.

const ROOMS = [
  "base",
  "platform",
  "pictures",
  "words",
  "checkpoint",
  "files",
  "model",
  "corruption",
  "patching",
].concat(["data", "jobs", "executors", "study", "page", "report", "display", "entry", "repl", "cli"]);
const IMPORT = /(?:\bfrom|\bimport\(|^import)\s*"(\.[^"]+)"/gm;

/** The files that stand in src itself are the package's entry points. */
function roomOf(path) {
  const [first, ...rest] = relative("src", path).split("/");
  const room = rest.length === 0 ? "entry" : first;
  if (!ROOMS.includes(room)) throw new Error(`src/${room} is not among the rooms of scripts/rooms.mjs.`);
  return room;
}

const wrong = [];
for (const name of readdirSync("src", { recursive: true })) {
  if (!/\.tsx?$/.test(name)) continue;
  const file = join("src", name);
  for (const [, to] of readFileSync(file, "utf8").matchAll(IMPORT)) {
    const target = normalize(join(dirname(file), to));
    if (ROOMS.indexOf(roomOf(target)) > ROOMS.indexOf(roomOf(file))) wrong.push(`${file} imports ${target}`);
  }
}
if (wrong.length > 0) {
  console.error(`A room imports only from rooms before it (${ROOMS.join(", ")}):\n${wrong.join("\n")}`);
  process.exitCode = 1;
}
