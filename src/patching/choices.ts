import * as tf from "@tensorflow/tfjs-core";
import { either, NoticeError } from "../base/errors.js";
import { type Network, towerOf } from "../model/architecture.js";
import { KNOWN } from "../model/architectures.js";
import { type Activations, endsOf, forward } from "../model/pass.js";
import { inTurns } from "../model/steps.js";
import type { Reader } from "../words/reader.js";
import type { Tokenizer } from "../words/tokenizer.js";
import { firstPiece } from "../words/words.js";
import { type EditPatches, rewritesIn } from "./edits.js";
import { checkText } from "./inputs.js";
import type { Answer, Answers } from "./metrics.js";
import type { Question } from "./positions.js";
import type { Run } from "./run.js";

// What a model chooses from: the tokens of its vocabulary, or classes that have names.

/** A model that reads and says words. */
export interface Speaker extends Network {
  /** Named in errors. */
  readonly name: string;
  readonly tokenizer: Tokenizer;
  readonly reader?: Reader;
}

/**
 * @throws NoticeError `tokens` where it is not in the vocabulary or no class, `checkpoint` where the model does not
 * know its id.
 */
export function answerOf(model: Speaker, text: string): Answer {
  if (model.reader) return { text, ...model.reader.answer(text) };
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

/**
 * The correct and the incorrect answer; of a matching model, where none are given, that they match and that they do
 * not.
 *
 * @throws NoticeError `tokens` as `answerOf`, and where words are asked for as classes are.
 */
export function answersOf(model: Speaker, given: readonly [string, string] | undefined): Answers {
  const { classes } = model.architecture.readout;
  const texts = given ?? (classes && [...classes].reverse());
  if (!Array.isArray(texts) || texts.length !== 2)
    throw new NoticeError("tokens", 'answers are the correct and the incorrect one, such as ["red", "blue"].');
  const other = KNOWN.find(({ readout }) => texts.every((text) => readout.classes?.includes(text)));
  if (!classes && other)
    throw new NoticeError(
      "tokens",
      `${model.name} is a ${model.architecture.name}, which does not match pictures and sentences; a ${other.name} does. Give words ` +
        "that it may say.",
    );
  const [correct, incorrect] = texts.map((text) => {
    checkText("answer", text);
    return answerOf(model, text);
  }) as [Answer, Answer];
  return { correct, incorrect };
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

/** What the readout said, in words: where it goes on with a prompt, after that. */
export function said(model: Speaker, asked: readonly number[], ids: readonly number[]): string {
  const { readout, intake } = model.architecture;
  if (readout.classes) return ids.map((id) => readout.classes![id]).join(" ");
  // What a reader puts around a question is not the model's word.
  const continues = towerOf(model, readout.tower).tokens === "question" && !intake.reader;
  const prompt = continues ? asked.slice(1) : [];
  // A byte-level piece begins with the space before its word.
  return model.tokenizer.decode([...prompt, ...ids]).trim();
}

/** What the model says, and what it might have said. */
export interface AskResult {
  /** Greedily generated; of captions the prompt and what comes after it, of matching `match` or `no match`. */
  readonly answer: string;
  /** The question's. */
  readonly tokens: readonly string[];
  /** The likeliest tokens at the answer's first position, or the classes. */
  readonly top: readonly { id: number; token: string; logit: number; prob: number }[];
  /** Of matching: the cosine of picture and sentence, compared without attention (ITC). */
  readonly similarity?: number;
}

/** What a pass over a question says. */
export async function askedOf(
  model: Speaker,
  { activations, logits }: Pick<Run, "activations" | "logits">,
  { asked, top, edits }: { readonly asked: Question; readonly top: number; readonly edits?: EditPatches | undefined },
): Promise<AskResult> {
  const { readout } = model.architecture;
  const [ids] = await readout.say(model, endsOf(activations), [asked.ids], edits && rewritesIn(edits, readout.tower));
  const choices = await likeliest(model, logits, top);
  const similarity = await similarityOf(model, activations, asked.ids);
  return {
    answer: said(model, asked.ids, ids!),
    tokens: asked.tokens,
    top: choices,
    ...(similarity === undefined ? {} : { similarity }),
  };
}

/** Greedy answers to questions of one length, each of its own picture: [batch, height, width, 3]. */
export async function answersTo(model: Speaker, pixels: tf.Tensor, asked: readonly Question[]): Promise<string[]> {
  const ids = asked.map((question) => [...question.ids]);
  const places = asked[0]!.image;
  const passed = () => forward(model, { pixels, ids: tf.tensor2d(ids, undefined, "int32"), places });
  const ends = endsOf(await inTurns(passed, (pass) => Object.values(endsOf(pass))));
  try {
    return (await model.architecture.readout.say(model, ends, ids)).map((more, i) => said(model, ids[i]!, more));
  } finally {
    tf.dispose(ends);
  }
}

/**
 * The likeliest choices, the likeliest first.
 *
 * @param logits [1, choice] @throws NoticeError `checkpoint` where the pass overflowed.
 */
export async function likeliest(model: Speaker, logits: tf.Tensor2D, most: number): Promise<AskResult["top"]> {
  const count = Math.min(most, model.architecture.readout.choices(model.config));
  const found = tf.tidy(() => {
    const { values, indices } = tf.topk(tf.squeeze(logits), count);
    return { logits: values, ids: indices, probs: tf.gather(tf.softmax(tf.squeeze(logits)), indices) };
  });
  const values = await found.logits.data();
  const probs = await found.probs.data();
  const ids = Array.from(await found.ids.data());
  tf.dispose(found);
  const wrong = values.find((logit) => !Number.isFinite(logit));
  if (wrong !== undefined)
    throw new NoticeError(
      "checkpoint",
      `${model.name}: the answer's logits are ${wrong}: the weights overflow float32. Take a sound copy of them.`,
    );
  return ids.map((id, i) => ({ id, token: choiceName(model, id), logit: values[i]!, prob: probs[i]! }));
}

/** The cosine of picture and text, of a model that compares them so. */
async function similarityOf(
  model: Network,
  activations: Activations,
  ids: readonly number[],
): Promise<number | undefined> {
  const { similarity } = model.architecture.readout;
  if (!similarity) return undefined;
  const cosine = tf.tidy(() => similarity(model, endsOf(activations), [ids]));
  const [value] = await cosine.data();
  cosine.dispose();
  return value;
}
