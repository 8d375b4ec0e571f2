import { either, NoticeError } from "../base/errors.js";
import type { Network } from "../model/architecture.js";
import type { Tokenizer } from "../words/tokenizer.js";
import { firstPiece } from "../words/words.js";
import type { Answer } from "./metrics.js";

// What a model chooses from: the tokens of its vocabulary, or classes that have names.

interface Speaker extends Network {
  /** Named in errors. */
  readonly name: string;
  readonly tokenizer: Tokenizer;
}

/** @throws NoticeError `tokens` where it is not in the vocabulary or no class, `checkpoint` where the model does not know its id. */
export function answerOf(model: Speaker, text: string): Answer {
  const { classes } = model.architecture.readout;
  if (!classes) {
    const piece = firstPiece(model.tokenizer, text);
    checkToken(model, piece.id, piece.token);
    return { text, ...piece };
  }
  const id = classes.indexOf(text);
  if (id < 0)
    throw new NoticeError("tokens", `${model.name} does not answer ${JSON.stringify(text)}, only ${either(classes)}.`);
  return { text, token: text, id };
}

/** @throws NoticeError `checkpoint` where the model does not know the id that the tokenizer gives. */
export function checkToken({ name, architecture, config }: Speaker, id: number, token: string): void {
  const vocabulary = architecture.intake.vocabulary(config);
  if (id >= vocabulary)
    throw new NoticeError(
      "checkpoint",
      `${name}: the tokenizer gives ${token} the id ${id}, and the model in config.json knows ${vocabulary} tokens.`,
    );
}

/** [DEC] and [ENC] are rows of the hub's checkpoints that their vocabulary does not name. */
export function choiceName({ architecture, tokenizer }: Speaker, id: number): string {
  return architecture.readout.classes?.[id] ?? tokenizer.tokenOf(id) ?? `[${id}]`;
}

/** What the readout said, in words. */
export function spoken({ architecture, tokenizer }: Speaker, ids: readonly number[]): string {
  const { classes } = architecture.readout;
  return classes ? ids.map((id) => classes[id]).join(" ") : tokenizer.decode([...ids]);
}
