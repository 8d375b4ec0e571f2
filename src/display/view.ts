import type { Terminal } from "./terminal.js";

/** One thing as it is looked at: as text, and, where it is a picture, as files. */
export interface View {
  /** For a terminal. */
  readonly text: (terminal: Terminal) => string;
  /** The bytes of a file. */
  readonly png?: () => Promise<Uint8Array>;
  /** The text of a file. */
  readonly svg?: () => Promise<string>;
  /** In words. */
  readonly caption: string;
}
