import * as library from "@huggingface/tokenizers";
import { NoticeError } from "../base/errors.js";
import { parseJson } from "../base/json.js";
import type { CheckpointFiles } from "../base/source.js";
import { checkLength, quoted, type Tokenizer } from "./tokenizer.js";

// Byte-level BPE, and BPE in SentencePiece's manner with byte fallback, by @huggingface/tokenizers.

/** The parts used: the package's own typings do not resolve under NodeNext. */
interface Library {
  encode(text: string, options?: { add_special_tokens?: boolean }): { ids: number[]; tokens: string[] };
  decode(ids: readonly number[], options: { skip_special_tokens: boolean }): string;
  token_to_id(token: string): number | undefined;
  id_to_token(id: number): string | undefined;
  readonly decoder: Decoder | null;
}
interface Decoder {
  readonly config?: { readonly type?: string };
  readonly decoders?: readonly Decoder[];
  /** Of ByteFallback. */
  text_decoder?: { decode(bytes: Uint8Array): string };
}
const { Tokenizer: LibraryTokenizer } = library as unknown as {
  Tokenizer: new (json: object, config: object) => Library;
};

/** A vocabulary of a million tokens and as many merges, and what else a `tokenizer.json` holds. */
const MAX_VALUES = 6_000_000;

/** A tokenizer with the special tokens that its config names. */
export interface BpeTokenizer extends Tokenizer {
  /** `bos_token` and others, as texts. */
  readonly names: Readonly<Record<string, string>>;
}

/**
 * The tokenizer of a checkpoint whose `tokenizer.json` is of BPE.
 *
 * @throws NoticeError `checkpoint` where it has none, or one of another kind.
 */
export async function loadBpe(files: CheckpointFiles): Promise<BpeTokenizer> {
  const json = await files.text("tokenizer.json");
  if (json === undefined)
    throw new NoticeError("checkpoint", `${files.name} has no tokenizer.json, which says how text becomes tokens.`);
  const configText = await files.text("tokenizer_config.json");
  const config = (
    configText === undefined ? {} : parseJson(configText, `${files.name}/tokenizer_config.json`)
  ) as Record<string, unknown> | null;
  return parseBpe(json, `${files.name}/tokenizer.json`, config ?? {});
}

/** From the texts of both files. @throws NoticeError `checkpoint` naming the file. */
function parseBpe(json: string, file: string, config: Record<string, unknown>): BpeTokenizer {
  const parsed = parseJson(json, file, { most: MAX_VALUES }) as { model?: { type?: unknown } } | null;
  const bad = (why: string, cause?: unknown) =>
    new NoticeError("checkpoint", `${file} is not a BPE tokenizer: ${why}.`, { cause });
  if (parsed?.model?.type !== "BPE")
    throw bad(`model.type is ${JSON.stringify(parsed?.model?.type)}; "BPE" was expected`);
  let pieces: Library;
  try {
    pieces = new LibraryTokenizer(parsed, { ...config, clean_up_tokenization_spaces: false });
    repairBytes(pieces.decoder);
    pieces.encode("a");
  } catch (cause) {
    throw bad((cause as Error).message, cause);
  }
  const names = Object.entries(config).flatMap(([name, value]): [string, string][] => {
    const text = typeof value === "object" && value !== null && "content" in value ? value.content : value;
    return name.endsWith("_token") && typeof text === "string" ? [[name, text]] : [];
  });
  return {
    names: Object.fromEntries(names),
    idOf: (token) => pieces.token_to_id(token),
    tokenOf: (id) => pieces.id_to_token(id),
    encode(text, { maxTokens = Number.POSITIVE_INFINITY } = {}) {
      checkLength(text);
      const { ids, tokens } = pieces.encode(text);
      if (ids.length > maxTokens)
        throw new NoticeError(
          "tokens",
          `${quoted(text)} has ${ids.length} tokens; the model takes at most ${maxTokens}. Shorten it, or leave out the tiles (--no-split).`,
        );
      return { text, ids, tokens };
    },
    decode(ids) {
      const known = ids.filter((id) => pieces.id_to_token(id) !== undefined);
      return known.length === 0 ? "" : pieces.decode(known, { skip_special_tokens: true });
    },
  };
}

/** Where bytes are no UTF-8, the Rust library writes a replacement character for each of them. */
function repairBytes(decoder: Decoder | null): void {
  for (const inner of decoder?.decoders ?? []) repairBytes(inner);
  if (decoder?.text_decoder && decoder.config?.type === "ByteFallback") decoder.text_decoder = { decode: decodeBytes };
}

function decodeBytes(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return "\uFFFD".repeat(bytes.length);
  }
}
