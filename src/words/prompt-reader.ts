import { NoticeError } from "../base/errors.js";
import { parseJson } from "../base/json.js";
import type { CheckpointFiles } from "../base/source.js";
import { type BpeTokenizer, loadBpe } from "./bpe.js";
import type { Grid, Prompt, Reader } from "./reader.js";
import type { Message } from "./template.js";
import { quoted } from "./tokenizer.js";

/** What a family's reader is made of. */
interface PromptParts extends Pick<Reader, "processor" | "square" | "see" | "boxes"> {
  /** The text that stands for a picture. */
  placeholder(grid: Grid): string;
  /** The id that stands for one of its tokens, and how many of them a grid has. */
  readonly imageToken: number;
  imageTokens(grid: Grid): number;
  /** Where a checkpoint has no template. */
  readonly template: string;
  readonly maxTokens: number;
}

/** A placeholder of a picture in a template. */
const IMAGE = "<image>";

/**
 * Reads questions by a checkpoint's chat template and tokenizer.
 *
 * @throws NoticeError `checkpoint` where template, tokenizer and config do not fit.
 */
export async function promptReader(files: CheckpointFiles, parts: PromptParts): Promise<Reader> {
  const tokenizer = await loadBpe(files);
  // Jinja is loaded with the first model that has a template.
  const { findTemplate, render } = await import("./template.js");
  const found = (await findTemplate(files)) ?? { template: parts.template, file: files.name };
  const known = tokenizer.idOf(IMAGE);
  if (known !== parts.imageToken)
    throw new NoticeError(
      "checkpoint",
      `${files.name}: ${IMAGE} is token ${known} in tokenizer.json and ${parts.imageToken} in config.json; both must be the same.`,
    );
  const ask = (question: string): string => {
    const content: Message["content"] = [{ type: "image" }, { type: "text", text: question }];
    return render(found.template, found.file, [{ role: "user", content }], tokenizer.names);
  };
  const prompt = (question: string, grid: Grid): Prompt => {
    // In a question a placeholder would be another picture.
    if (question.includes(IMAGE)) throw new NoticeError("tokens", `${quoted(question)} holds ${IMAGE}. Leave it out.`);
    const text = ask(question);
    const at = text.indexOf(IMAGE);
    if (at < 0 || text.indexOf(IMAGE, at + 1) >= 0)
      throw new NoticeError("checkpoint", `${found.file}: the chat template makes no prompt with one ${IMAGE} in it.`);
    const picture = parts.placeholder(grid);
    const full = text.slice(0, at) + picture + text.slice(at + IMAGE.length);
    const { ids, tokens } = tokenizer.encode(full, { maxTokens: parts.maxTokens });
    const image = ids.flatMap((id, i) => (id === parts.imageToken ? [i] : []));
    if (image.length !== parts.imageTokens(grid))
      throw new NoticeError(
        "checkpoint",
        `${files.name}: its processor makes ${image.length} image tokens of a picture, and its towers ${parts.imageTokens(grid)}. ` +
          "patch_size, num_additional_image_tokens and image_seq_len of processor_config.json must fit config.json.",
      );
    return { text: full, ids, tokens, image, question: asked(tokenizer, full, question, ids) };
  };
  // A checkpoint that cannot be asked is refused when it is opened.
  const frame = prompt("a", parts.square).text;
  return {
    tokenizer,
    processor: parts.processor,
    square: parts.square,
    see: parts.see,
    boxes: parts.boxes,
    prompt,
    answer: (text) => firstAfter(tokenizer, frame, text),
  };
}

/** The first token of " answer" after a prompt; without the space where the prompt ends in white space. */
function firstAfter(tokenizer: BpeTokenizer, prompt: string, answer: string): { id: number; token: string } {
  const word = answer.trim();
  if (word === "") throw new NoticeError("tokens", `The answer ${quoted(answer)} is empty. Give a word.`);
  const before = tokenizer.encode(prompt).ids;
  const { ids, tokens } = tokenizer.encode(`${prompt}${/\s$/.test(prompt) ? "" : " "}${word}`);
  if (common(ids, before) < before.length)
    throw new NoticeError(
      "tokens",
      `The answer ${quoted(answer)} joins the last token of the prompt. Give another word.`,
    );
  return { id: ids[before.length]!, token: tokens[before.length]! };
}

/** The tokens that hold the question's characters: between those of the prompt before it and those after it. */
function asked(tokenizer: BpeTokenizer, full: string, question: string, ids: readonly number[]): number[] {
  const words = question.trim();
  const at = full.lastIndexOf(words);
  if (at < 0 || words === "") return [];
  const rest = full.slice(at + words.length);
  const before = common(ids, tokenizer.encode(full.slice(0, at)).ids);
  const through = common(ids, tokenizer.encode(full.slice(0, full.length - rest.length)).ids);
  return Array.from({ length: Math.max(0, through - before) }, (_, i) => before + i);
}

/** How many ids two lists begin with alike. */
function common(one: readonly number[], other: readonly number[]): number {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at++;
  return at;
}

/** The whole numbers of a checkpoint's `processor_config.json`. */
export async function processorNumbers(files: CheckpointFiles): Promise<Readonly<Record<string, unknown>>> {
  const text = await files.text("processor_config.json");
  const found = text === undefined ? {} : parseJson(text, `${files.name}/processor_config.json`);
  return (found ?? {}) as Record<string, unknown>;
}
