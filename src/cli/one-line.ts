/** Errors quote files of others: no line break, control character or novel reaches the terminal. */
export function oneLine(message: string): string {
  return message.slice(0, 2000).replace(/\s+/g, " ").replace(/\p{C}/gu, "\uFFFD");
}
