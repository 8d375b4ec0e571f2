/** Control characters of terminals, and characters that reverse the direction of text. */
const CONTROL = /[^\P{C}\n]/gu;

/** Errors quote untrusted files: line breaks and control characters are replaced, and long texts are cut. */
export function oneLine(message: string): string {
  return message.slice(0, 2000).replace(/\s+/g, " ").replace(/\p{C}/gu, "\uFFFD");
}

/** Prints a line on stderr; it replaces a progress bar if there is one. */
export function say(message: string): void {
  const clear = process.stderr.isTTY ? "\r\u001b[K" : "";
  process.stderr.write(`${clear}notice: ${oneLine(message)}\n`);
}

/** Lines without what a terminal would obey, such as a checkpoint's tokens may hold. */
export function printable(text: string): string {
  return text.replace(CONTROL, "\uFFFD");
}

/** Text for people on standard output. */
export function print(text: string): void {
  process.stdout.write(printable(text));
}

/** A value as JSON, in which such characters are escaped, so that it may be looked at in a terminal too. */
export function jsonText(value: unknown, indent = 2): string {
  const escaped = (text: string) =>
    text.replace(/./gs, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return `${JSON.stringify(value, null, indent).replace(CONTROL, escaped)}\n`;
}

/** The same in one line. */
export const jsonLine = (value: unknown) => jsonText(value, 0);

/** If stderr is closed, the work goes on. If stdout is closed, as by `| head`, the command ends without a failure. */
export function outliveReaders(): void {
  process.stderr.on("error", () => {});
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    say(`standard output cannot be written: ${error.code === "ENOSPC" ? "its disk is full" : error.message}.`);
    process.exit(1);
  });
}
