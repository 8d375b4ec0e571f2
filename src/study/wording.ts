import { loadTokenizer } from "../words/tokenizer.js";
import { wordPositions } from "../words/word-positions.js";
import { positionsOf } from "../words/words.js";
import type { StudyRun } from "./run.js";

/** A text as the model of a run gets it. */
interface Worded {
  /** All tokens, those of the picture too where it stands among them. */
  readonly tokens: readonly string[];
  /** Those of the text alone. */
  readonly own: readonly string[];
  /** @throws NoticeError `tokens` where the word is not in it. */
  readonly find: (word: string) => number[][];
}

/** How the model of a run reads texts; no weights are loaded. */
export interface Wording {
  /** Of how many pieces a text or a word is. */
  pieces(text: string): number;
  /** @throws NoticeError `tokens` */
  read(question: string): Worded;
}

/** @throws NoticeError `checkpoint` */
export async function wordingOf(run: StudyRun): Promise<Wording> {
  const files = await run.modelFiles();
  const { architecture, config } = await run.modelConfig();
  const maxTokens = architecture.intake.maxTokens(config);
  const reader = await architecture.intake.reader?.(files, config, { split: run.settings.split });
  if (reader) {
    const { tokenizer, square } = reader;
    return {
      // Byte-level pieces begin with the space before a word, and no frame stands around them.
      pieces: (text) => tokenizer.encode(` ${text.trim()}`, { maxTokens }).ids.length,
      read(question) {
        const prompt = reader.prompt(question, square);
        const own = prompt.question.map((token) => prompt.tokens[token]!);
        return { tokens: prompt.tokens, own, find: (word) => wordPositions(tokenizer, prompt, word) };
      },
    };
  }
  const tokenizer = await loadTokenizer(files);
  return {
    pieces: (text) => tokenizer.encode(text, { maxTokens }).ids.length - 2,
    read(question) {
      const encoding = tokenizer.encode(question);
      const { tokens } = encoding;
      return { tokens, own: tokens.slice(1, -1), find: (word) => positionsOf(tokenizer, encoding, word) };
    },
  };
}
