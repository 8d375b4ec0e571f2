import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Random } from "../../../src/base/random.js";
import { temporaryFolder } from "../../support/checkpoint.js";
import { notice, noticeHere, type Outcome as Said } from "../../support/command.js";
import { FIXTURES } from "../../support/fixture.js";
import { CLEAN_IMAGE, CLEAN_QUESTION, CORRUPT_IMAGE, NARROW } from "../../support/samples.js";
import { Found, TRACE } from "../judge.js";
import type { Kind, Outcome } from "../kind.js";
import { HOSTILE, mutateBytes, mutateText, NUMBERS, whole } from "../mutate.js";

const ASK = ["ask", NARROW, "--image", CLEAN_IMAGE, "--question", CLEAN_QUESTION, "--json", "out.json"];
const PAIR = [NARROW, "--image", CLEAN_IMAGE, "--corrupt-image", CORRUPT_IMAGE, "--question", CLEAN_QUESTION];
const ANSWERS = ["--answers", "red,striped"];
/** Those that end at once, or compute on the small model; studies are killed elsewhere. */
const COMMANDS: readonly string[][] = [
  ASK,
  ["sweep", ...PAIR, ...ANSWERS, "--site", "decoder.cross.z", "--png", "out.png", "--json", "out.json"],
  ["sweep", NARROW, "--pairs", "pairs.jsonl", "--out", "out.jsonl", "--site", "decoder.cross.z", "--workers", "1"],
  ["attribute", ...PAIR, ...ANSWERS, "--site", "text.cross.z", "--steps", "1"],
  ["path", ...PAIR, ...ANSWERS, "--from", "text.cross.z:L0H1", "--to", "answer"],
  ["faithful", ...PAIR, ...ANSWERS, "--heads", "text.cross.z:L0H1", "--random", "2"],
  ["prepare", "--out", "run", "--dataset", "pairs.jsonl", "--n", "2", "--settings", "study.toml"],
  ["export", "run", "--out", "out.csv", "--format", "csv"],
  ["circuits", "--out", "run", "--json", "-"],
  ["merge", "merged", "run", "run"],
  ["download", "owner/name", "--cache", "cache", "--revision", "main"],
  ["fetch", "svo-probes", "--data", "svo"],
  ["help", "sweep"],
];

/** Arguments of the command line, and the files that they name; a few as processes. */
export const commands: Kind = {
  name: "commands",
  share: 10,
  open: async () => {
    const picture = readFileSync(CLEAN_IMAGE);
    // Whatever is written, is written below it.
    const folder = join(temporaryFolder(), "a", "b", "case");
    const fixtures = resolve(FIXTURES);
    mkdirSync(folder, { recursive: true });
    process.chdir(folder);
    spawnSync("mkfifo", ["fifo"]);
    return {
      run: async (choose) => {
        writeInputs(choose, picture);
        const args = mutateArgs(choose, choose.pick(COMMANDS))
          .map((word) => (word.startsWith(FIXTURES) ? join(fixtures, word.slice(FIXTURES.length)) : word))
          .filter((word) => !word.startsWith("/") || word.startsWith(fixtures));
        // Arguments cannot have a zero byte; a process is dear.
        const apart = choose.chance(0.04) && !args.some((word) => word.includes("\0"));
        return heard(await (apart ? notice(...args) : here(args)), args);
      },
    };
  },
};

function writeInputs(choose: Random, picture: Uint8Array): void {
  const answers = ["red", "striped"];
  const row = { image: "clean.png", corruptImage: "clean.png", question: CLEAN_QUESTION, answers };
  const lines = `${JSON.stringify(row)}\n${JSON.stringify(row)}\n`;
  writeFileSync("pairs.jsonl", choose.chance(0.5) ? mutateText(choose, lines) : lines);
  writeFileSync("study.toml", choose.chance(0.5) ? mutateText(choose, "n = 2\nseed = 1\n") : "n = 2\n");
  writeFileSync("clean.png", choose.chance(0.3) ? mutateBytes(choose, picture) : picture);
}

/** With the stack of each error, which says its class. */
async function here(args: string[]): Promise<Said> {
  process.env.NOTICE_DEBUG = "1";
  try {
    return await noticeHere(...args);
  } finally {
    process.env.NOTICE_DEBUG = "";
  }
}

function heard({ code, stderr }: Said, args: readonly string[]): Outcome {
  const called = `notice ${args.map((word) => JSON.stringify(word.slice(0, 60))).join(" ")}`;
  if (code === 0) return "taken";
  if (code !== 1 && code !== 2) throw new Found("crash", `exit code ${code}: ${called}`);
  const [said, ...stack] = stderr.split(/^(?=[A-Z]\w*Error\b)/m);
  if (stack.length > 0 && !/^NoticeError/.test(stack[0]!))
    throw new Found("rejection", `${stack[0]!.split("\n").slice(0, 3).join(" ")} in ${called}`);
  if (TRACE.test(said!)) throw new Found("trace", `${said!.slice(0, 300)} in ${called}`);
  return "refused";
}

/** One or two of the words left out, doubled, or something else. */
function mutateArgs(choose: Random, args: readonly string[]): string[] {
  const words = args.slice();
  for (let round = whole(choose, 1, 3); round > 0; round--) {
    const at = whole(choose, 1, words.length);
    choose.pick([
      () => words.splice(at, 1),
      () => words.splice(at, 0, words[at] ?? "--"),
      () => words.splice(at, 1, choose.pick(HOSTILE)),
      () => words.splice(at, 1, `${choose.pick(NUMBERS)}`),
      () => words.splice(at, 1, choose.pick([".", "-", "--", "fifo", "clean.png", "nowhere/x"])),
      () => words.push(choose.pick(["--memory", "--backend", "--direction", "--layers", "--x"]), choose.pick(HOSTILE)),
    ])();
  }
  // Without it, it would draw hundreds of scenes, which takes its time.
  return words[0] === "prepare" && !words.includes("--dataset") ? [...words, "--dataset", "pairs.jsonl"] : words;
}
