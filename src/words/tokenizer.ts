import { z } from "zod";
import { NoticeError } from "../base/errors.js";
import { complaintsOf, parseJson } from "../base/json.js";
import { isPointer, pointerError } from "../base/pointer.js";
import type { CheckpointFiles } from "../base/source.js";
import {
  addedIds,
  addedTokens,
  addedTokensDecoder,
  allAdded,
  MAX_ID,
  type NamedToken,
  namedSpecials,
  specialTokens,
} from "./added-tokens.js";
import { RustBertNormalizer, WordPieceTokenizer } from "./wordpiece.js";

/** A text as the model gets it, [CLS] first and [SEP] last. */
export interface Encoding {
  readonly text: string;
  readonly ids: readonly number[];
  /** The word pieces of `ids`; those that continue a word begin with ##. */
  readonly tokens: readonly string[];
}

/** From text to tokens and back: BERT's WordPiece, as `BertTokenizerFast` of Hugging Face, or BPE. */
export interface Tokenizer {
  /**
   * The text, with [CLS] and [SEP] where it is WordPiece. `maxTokens` is what the model has positions for.
   *
   * @throws NoticeError `tokens` where the text has more than `MAX_CHARACTERS` characters or more than `maxTokens`
   * tokens.
   */
  encode(text: string, options?: { maxTokens?: number }): Encoding;
  /** The text of these ids, without special tokens and without ids that the vocabulary does not have. */
  decode(ids: readonly number[]): string;
  /** undefined where the vocabulary has no such token. */
  idOf(token: string): number | undefined;
  /** undefined where the vocabulary has no such id (the hub's checkpoints: [DEC] and [ENC]). */
  tokenOf(id: number): string | undefined;
  /** The ids of [CLS], [SEP] and [UNK], of WordPiece. */
  readonly special?: { readonly cls: number; readonly sep: number; readonly unk: number };
}

/** The longest text that is looked at. 512 tokens, the most any BLIP takes, are about 2,500 characters of English. */
export const MAX_CHARACTERS = 16_384;

const TOKENIZER = "tokenizer.json";
const VOCABULARY = "vocab.txt";
const CONFIG = "tokenizer_config.json";
const SPECIALS = "special_tokens_map.json";
const ADDED = "added_tokens.json";
const CLS = "[CLS]";
const SEP = "[SEP]";
const UNK = "[UNK]";

/**
 * The tokenizer of a checkpoint: its `tokenizer.json`, or its `vocab.txt` alone, and `tokenizer_config.json` if it has
 * one.
 *
 * @throws NoticeError `checkpoint` where it has neither, or a file is not a BERT WordPiece tokenizer's.
 */
export async function loadTokenizer(files: CheckpointFiles): Promise<Tokenizer> {
  const configText = await files.text(CONFIG);
  const config = configText === undefined ? {} : parseTokenizerConfig(configText, `${files.name}/${CONFIG}`);
  const named = await namedTokens(files, config);
  const json = await files.text(TOKENIZER);
  if (json !== undefined) return parseTokenizer(json, `${files.name}/${TOKENIZER}`, config, named);
  const vocabulary = await files.text(VOCABULARY);
  if (vocabulary !== undefined) return parseVocabulary(vocabulary, `${files.name}/${VOCABULARY}`, config, named);
  throw new NoticeError("checkpoint", `${files.name} has neither ${TOKENIZER} nor ${VOCABULARY}.`);
}

/**
 * Tokens that files beside the vocabulary name. As in transformers, `added_tokens_decoder` of the config tells them
 * all, and only where there is none are the older files read.
 */
async function namedTokens(files: CheckpointFiles, config: TokenizerConfig): Promise<NamedToken[]> {
  const decoder = config.added_tokens_decoder;
  if (decoder)
    return [...Object.entries(decoder).map(([id, token]) => ({ ...token, id: +id })), ...namedSpecials(config)];
  const read = async <Schema extends z.ZodType>(file: string, schema: Schema): Promise<z.infer<Schema> | undefined> => {
    const [text, path] = [await files.text(file), `${files.name}/${file}`];
    return text === undefined ? undefined : checked(schema, parseJson(text, path), `${path} does not list tokens`);
  };
  const specials = namedSpecials({ ...config, ...(await read(SPECIALS, specialTokens)) });
  const isSpecial = new Set(specials.map(({ content }) => content));
  const ids = Object.entries((await read(ADDED, addedIds)) ?? {}).sort(([, a], [, b]) => a - b);
  const added = ids.map(([content, id]) => ({
    content,
    id,
    special: isSpecial.has(content),
    normalized: !isSpecial.has(content),
  }));
  return [...added, ...specials];
}

/** What `tokenizer_config.json` may change. */
type TokenizerConfig = z.infer<typeof configSchema>;

const configSchema = specialTokens.extend({
  added_tokens_decoder: addedTokensDecoder,
  do_lower_case: z.boolean().nullish(),
  strip_accents: z.boolean().nullish(),
  tokenize_chinese_chars: z.boolean().nullish(),
  clean_up_tokenization_spaces: z.boolean().nullish(),
});

/** A vocabulary of a million tokens, and as much again for what else a `tokenizer.json` holds. */
const MAX_VALUES = 2_000_000;

// The first wrong entry ends it: a million issues would fill the memory.
const vocabulary = z.record(z.string(), z.unknown()).transform((entries, { issues }) => {
  const ids: Record<string, number> = {};
  for (const [token, id] of Object.entries(entries)) {
    if (typeof id === "number" && Number.isInteger(id) && id >= 0 && id <= MAX_ID) ids[token] = id;
    else {
      issues.push({ code: "custom", path: [token], message: `expected a whole number up to ${MAX_ID}`, input: id });
      return z.NEVER;
    }
  }
  return ids;
});
// Only what BertTokenizerFast can hold: another normaliser or model is not quietly read as BERT's.
const tokenizerSchema = z.object({
  added_tokens: addedTokens,
  normalizer: z.object({
    type: z.literal("BertNormalizer"),
    clean_text: z.boolean().default(true),
    handle_chinese_chars: z.boolean().default(true),
    strip_accents: z.boolean().nullish(),
    lowercase: z.boolean().default(true),
  }),
  pre_tokenizer: z.object({ type: z.literal("BertPreTokenizer") }),
  post_processor: z.looseObject({ type: z.enum(["TemplateProcessing", "BertProcessing"]) }),
  model: z.object({
    type: z.literal("WordPiece").default("WordPiece"),
    unk_token: z.literal(UNK).default(UNK),
    continuing_subword_prefix: z.literal("##").default("##"),
    max_input_chars_per_word: z.int().positive().max(1000).default(100),
    vocab: vocabulary,
  }),
});

/** @throws NoticeError `checkpoint` naming the file and the field. */
export function parseTokenizerConfig(json: string, file: string): TokenizerConfig {
  return checked(configSchema, parseJson(json, file), `${file} is not a tokenizer's config`);
}

/**
 * The tokenizer from the text of a `tokenizer.json`. As in transformers, `config` overrides its normaliser.
 *
 * @throws NoticeError `checkpoint` naming the file and the field.
 */
export function parseTokenizer(
  json: string,
  file: string,
  config: TokenizerConfig = {},
  named: readonly NamedToken[] = [],
): Tokenizer {
  const value = parseJson(json, file, { most: MAX_VALUES });
  const parsed = checked(tokenizerSchema, value, `${file} is not a BERT WordPiece tokenizer`);
  return build(parsed, file, config, named);
}

/**
 * The tokenizer from a `vocab.txt`: one token a line, its line number its id; lower case unless `config` says
 * otherwise.
 *
 * @throws NoticeError `checkpoint` naming the file.
 */
export function parseVocabulary(
  text: string,
  file: string,
  config: TokenizerConfig = {},
  named: readonly NamedToken[] = [],
): Tokenizer {
  if (isPointer(text)) throw pointerError(file);
  const lines = text.split(/\r\n|\r|\n/, MAX_ID + 2);
  if (lines.length > MAX_ID + 1)
    throw new NoticeError("checkpoint", `${file} has more than ${MAX_ID + 1} lines; a BERT vocabulary was expected.`);
  if (lines.at(-1) === "") lines.pop();
  const vocab = Object.fromEntries(lines.map((token, id) => [token, id]));
  const special = ["[PAD]", UNK, CLS, SEP, "[MASK]"].filter((token) => Object.hasOwn(vocab, token));
  const json = {
    normalizer: { type: "BertNormalizer" },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: { type: "BertProcessing", cls: [CLS, 0], sep: [SEP, 0] },
    model: { vocab },
  };
  const specials = special.map((content) => ({ content, special: true }));
  const parsed = checked(tokenizerSchema, json, `${file} is not a BERT vocabulary`);
  return build(parsed, file, config, [...named, ...specials]);
}

function checked<Schema extends z.ZodType>(schema: Schema, value: unknown, complaint: string): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const found = complaintsOf({ issues: parsed.error.issues.slice(0, 5) }, "the file");
  throw new NoticeError("checkpoint", `${complaint}: ${found}.`);
}

function build(
  stored: z.infer<typeof tokenizerSchema>,
  file: string,
  config: TokenizerConfig,
  named: readonly NamedToken[],
): Tokenizer {
  const { vocab } = stored.model;
  const json = { ...stored, added_tokens: allAdded(vocab, stored.added_tokens, named, file) };
  for (const { id, content } of json.added_tokens) vocab[content] = id;
  const [cls, sep, unk] = [CLS, SEP, UNK].map((token) => vocab[token]);
  if (cls === undefined || sep === undefined || unk === undefined)
    throw new NoticeError("checkpoint", `${file} lacks one of ${CLS}, ${SEP} and ${UNK}; it is not a BERT vocabulary.`);
  if (new Set(Object.values(vocab)).size !== Object.keys(vocab).length)
    throw new NoticeError("checkpoint", `${file} gives two tokens one id.`);
  const pieces = wordPieces(json, file, config);
  return {
    special: { cls, sep, unk },
    idOf: (token) => pieces.token_to_id(token),
    tokenOf: (id) => pieces.id_to_token(id),
    encode(text, { maxTokens = Number.POSITIVE_INFINITY } = {}) {
      checkLength(text);
      const { ids } = pieces.encode(text);
      if (ids.length > maxTokens)
        throw new NoticeError(
          "tokens",
          `${quoted(text)} has ${ids.length} tokens with ${CLS} and ${SEP}; the model takes at most ${maxTokens}. Shorten it.`,
        );
      return { text, ids, tokens: ids.map((id) => pieces.id_to_token(id)!) };
    },
    decode(ids) {
      const known = ids.filter((id) => pieces.id_to_token(id) !== undefined);
      return known.length === 0 ? "" : pieces.decode(known, { skip_special_tokens: true });
    },
  };
}

function wordPieces(json: z.infer<typeof tokenizerSchema>, file: string, config: TokenizerConfig): WordPieceTokenizer {
  const normalizer = {
    ...json.normalizer,
    lowercase: config.do_lower_case ?? json.normalizer.lowercase,
    // null is a value: strip them where lower case is asked for.
    strip_accents: config.strip_accents === undefined ? json.normalizer.strip_accents : config.strip_accents,
    handle_chinese_chars: config.tokenize_chinese_chars ?? json.normalizer.handle_chinese_chars,
  };
  const decoder = { type: "WordPiece", prefix: "##", cleanup: true };
  const cleanUp = { clean_up_tokenization_spaces: config.clean_up_tokenization_spaces ?? true };
  try {
    const pieces = new WordPieceTokenizer({ ...json, normalizer, decoder }, cleanUp);
    pieces.normalizer = new RustBertNormalizer(normalizer);
    const frame = pieces.encode("").tokens.join(" ");
    if (frame !== `${CLS} ${SEP}`) throw new Error(`an empty text becomes "${frame}"`);
    return pieces;
  } catch (cause) {
    const why = `its post_processor does not put text between ${CLS} and ${SEP}`;
    throw new NoticeError("checkpoint", `${file} is not a BERT WordPiece tokenizer: ${why}.`, { cause });
  }
}

/** @throws NoticeError `tokens` */
export function checkLength(text: string): void {
  if (text.length > MAX_CHARACTERS)
    throw new NoticeError(
      "tokens",
      `${quoted(text)} has ${text.length} characters; at most ${MAX_CHARACTERS} are tokenised. Shorten it.`,
    );
}

/** As errors quote a text. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
