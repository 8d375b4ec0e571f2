import { inspect } from "node:util";
import * as tf from "@tensorflow/tfjs-core";
import { NoticeError } from "../base/errors.js";
import { INSPECT, printable } from "../base/inspect.js";
import { Shown } from "../display/show.js";
import { tensorName } from "../display/tensor.js";
import type { Terminal } from "../display/terminal.js";
import { inputLine, viewOf } from "../display/views.js";
import type { AskResult } from "../patching/choices.js";
import type { PairInput } from "../patching/inputs.js";

/** The result of a line as people look at it: maps, pictures, tensors; the rest as Node prints it. */
export function resultText(value: unknown, terminal: Terminal): string {
  if (value instanceof Shown) return value.text(terminal);
  const view = viewOf(value);
  if (view) return view.text(terminal);
  if (isInputs(value)) return value.map((input, i) => `[${i}] ${inputLine(input)}`).join("\n");
  if (isAnswer(value)) return answerText(value);
  const text = inspect(value, {
    colors: terminal.colours > 0,
    breakLength: terminal.columns,
    depth: 3,
    maxArrayLength: 24,
  });
  // It has escaped a text's controls, and colours with some, but not what turns the order of words around.
  return text.replace(/(?!\p{Cc})\p{C}/gu, "\uFFFD");
}

function isInputs(value: unknown): value is PairInput[] {
  const isInput = (one: Partial<PairInput> | null) => typeof one?.question === "string" && Array.isArray(one.answers);
  return Array.isArray(value) && value.length > 0 && value.every(isInput);
}

function isAnswer(value: unknown): value is AskResult {
  const { answer, tokens, top } = (value ?? {}) as Partial<AskResult>;
  return typeof answer === "string" && Array.isArray(tokens) && Array.isArray(top);
}

function answerText({ answer, top }: AskResult): string {
  const likeliest = top.map(({ token, prob }) => `${token} ${prob.toFixed(3)}`).join(", ");
  return printable(`${answer} (${likeliest})`);
}

/** Within other objects one line stands for a tensor, and an error of this package is its message. */
export function nameWithinObjects(): void {
  const names: [{ prototype: object }, (value: never) => string][] = [
    [tf.Tensor, (tensor: tf.Tensor) => `Tensor ${tensorName(tensor)}`],
    [NoticeError, ({ name, message }: NoticeError) => `${name}: ${message}`],
  ];
  for (const [{ prototype }, name] of names)
    Object.defineProperty(prototype, INSPECT, {
      value(this: never) {
        return printable(name(this));
      },
      configurable: true,
    });
}
