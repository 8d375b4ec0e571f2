import { Command, CommanderError } from "commander";
import { NoticeError, type NoticeErrorCode } from "../base/errors.js";
import { packageVersion } from "../files/package.js";
import { fileError, isFileError } from "../files/system-error.js";
import { STAGES } from "../study/stage.js";
import { printable, say } from "./streams.js";

const STUDY_COMMANDS = ["study", ...STAGES, "circuits", "report"] as const;

// A command's module, and all that it needs, is loaded only when that command is called.
const COMMANDS: Record<string, () => Promise<Command>> = {
  ask: async () => (await import("./ask.js")).askCommand(),
  sweep: async () => (await import("./sweep.js")).sweepCommand(),
  attribute: async () => (await import("./attribute.js")).attributeCommand(),
  path: async () => (await import("./path.js")).pathCommand(),
  knockout: async () => (await import("./knockout.js")).knockOutCommand(),
  overlay: async () => (await import("./overlay.js")).overlayCommand(),
  faithful: async () => (await import("./faithful.js")).faithfulCommand(),
  repl: async () => (await import("./repl.js")).replCommand(),
  accuracy: async () => (await import("./accuracy.js")).accuracyCommand(),
  scenes: async () => (await import("./scenes.js")).scenesCommand(),
  ...Object.fromEntries(
    STUDY_COMMANDS.map((name) => [name, async () => (await import("./study.js")).studyCommand(name)]),
  ),
  paper: async () => (await import("./paper.js")).paperCommand(),
  compare: async () => (await import("./compare.js")).compareCommand(),
  slurm: async () => (await import("./slurm.js")).slurmCommand(),
  merge: async () => (await import("./merge.js")).mergeCommand(),
  export: async () => (await import("./export.js")).exportCommand(),
  worker: async () => (await import("./worker.js")).workerCommand(),
  workers: async () => (await import("./worker.js")).workersCommand(),
  fetch: async () => (await import("./fetch.js")).fetchCommand(),
  download: async () => (await import("./download.js")).downloadCommand(),
  playground: async () => (await import("./playground.js")).playgroundCommand(),
  doctor: async () => (await import("./doctor.js")).doctorCommand(),
};

/** What is answered without any command. */
const VERSION = ["-V", "--version"];

/** The program with one command, or with all where that is none. */
export async function program(called: string | undefined): Promise<Command> {
  const notice = new Command("notice")
    .description("show which attention heads of a vision-language model carry the answer from the picture to the text")
    .version(packageVersion(), VERSION.join(", "))
    // `run` says it, with what is right.
    .configureOutput({ outputError: () => {} })
    .exitOverride();
  for (const load of commandsFor(called)) notice.addCommand((await load()).copyInheritedSettings(notice));
  return notice;
}

function commandsFor(called: string | undefined): readonly (() => Promise<Command>)[] {
  if (called !== undefined && VERSION.includes(called)) return [];
  return called !== undefined && Object.hasOwn(COMMANDS, called) ? [COMMANDS[called]!] : Object.values(COMMANDS);
}

/** Codes of errors that other input would not mend. */
const NOT_THE_INPUT: readonly NoticeErrorCode[] = ["network", "backend", "worker"];

/**
 * Runs one command.
 *
 * @param args what stands after `notice`.
 * @returns the exit code. 0: done; 2: the input was refused, and the message says why; 1: something else went wrong.
 */
export async function run(args: readonly string[]): Promise<number> {
  const notice = program(args[0]);
  try {
    await (await notice).parseAsync(args, { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return await ofCommander(error, await notice);
    const told = isFileError(error) ? fileError(error.path ?? "A file", "used", error) : error;
    say(told instanceof Error ? told.message : `${told}`);
    if (process.env.NOTICE_DEBUG) process.stderr.write(`${printable((error as Error).stack ?? "")}\n`);
    return told instanceof NoticeError && !NOT_THE_INPUT.includes(told.code) ? 2 : 1;
  }
}

/** Help that was asked for is no failure; help in the place of a command is one, and says enough. */
async function ofCommander(error: CommanderError, notice: Command): Promise<number> {
  if (error.exitCode === 0) return 0;
  if (error.code !== "commander.help") say((await import("./refusal.js")).refusalOf(error, notice));
  return 2;
}
