import type { Command, CommanderError } from "commander";
import { near } from "../base/nearest.js";

/** Codes of commander, `commander.` left out, beside which an option that nobody knows is the likelier mistake. */
const MAYBE_UNKNOWN = ["unknownOption", "missingMandatoryOptionValue", "conflictingOption"];

/**
 * What is wrong with a command line that commander refused, and where to read what is right.
 *
 * @param notice the program that parsed it.
 */
export function refusalOf({ code, message }: CommanderError, notice: Command): string {
  const [name] = notice.args;
  const command = notice.commands.find((one) => one.name() === name);
  const help = `\`notice ${command ? `${name} ` : ""}--help\` lists`;
  if (!command) return `${withoutCommand(code, notice) ?? plain(message)} ${help} all commands.`;
  return `${ofCommand(code.replace("commander.", ""), message, command) ?? plain(message)} ${help} what ${name} takes.`;
}

function withoutCommand(code: string, { args, commands }: Command): string | undefined {
  const [first] = args;
  if (code === "commander.unknownOption") return `The command comes before its options, and ${first} is none.`;
  if (code !== "commander.unknownCommand" || first === undefined) return undefined;
  const names = commands.map((one) => one.name());
  return `There is no command ${JSON.stringify(first)}.${didYouMean(near(first, names))}`;
}

function ofCommand(code: string, message: string, command: Command): string | undefined {
  const unknown = command.args.find((arg) => /^-./.test(arg) && Number.isNaN(Number(arg)));
  if (unknown !== undefined && MAYBE_UNKNOWN.includes(code)) return noSuchOption(unknown.replace(/=.*/s, ""), command);
  const { registeredArguments: expected, args } = command;
  if (args.length > expected.length && !expected.at(-1)?.variadic) return tooMany(command);
  if (code === "missingMandatoryOptionValue" || code === "missingArgument") return lacking(command);
  const [, flags] = /^error: option '(.+)' argument missing$/.exec(message) ?? [];
  return flags && `${flags} was given without its value.`;
}

/** All that is missing at once. */
function lacking(command: Command): string {
  const { registeredArguments: expected, args } = command;
  const lacks = [
    ...expected.slice(args.length).map((one) => (one.required ? `<${one.name()}> (${one.description})` : "")),
    ...command.options.map((one) =>
      one.mandatory && command.getOptionValue(one.attributeName()) === undefined
        ? `${one.flags} (${one.description})`
        : "",
    ),
  ];
  return `${command.name()} needs ${lacks.filter(Boolean).join(" and ")}.`;
}

function tooMany(command: Command): string {
  const names = command.registeredArguments.map((argument) => `<${argument.name()}>`).join(" ");
  const given = command.args.map((arg) => JSON.stringify(arg)).join(" ");
  return (
    `${command.name()} takes ${names || "options only"}, and was given ${given}. ` +
    "All else is given by options; a text with spaces stands in quotation marks."
  );
}

function noSuchOption(given: string, command: Command): string {
  const long = command.options.flatMap((option) => option.long ?? []);
  const meant = near(given, long);
  const which = meant === undefined ? ` It takes ${long.join(", ")}.` : didYouMean(meant);
  return `${command.name()} has no option ${given}.${which}`;
}

const didYouMean = (meant: string | undefined) => (meant === undefined ? "" : ` Did you mean ${meant}?`);

/** Commander's own words as a sentence. */
function plain(message: string): string {
  const text = message.replace(/^error: /, "");
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? "" : "."}`;
}
