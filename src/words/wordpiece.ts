import * as library from "@huggingface/tokenizers";

// The parts used: the package's own typings do not resolve under NodeNext (their imports lack file extensions).
interface NormalizerConfig {
  readonly lowercase: boolean;
  readonly handle_chinese_chars: boolean;
}
interface Normalizer {
  readonly config: NormalizerConfig;
  normalize(text: string): string;
}
/** `Tokenizer` of the package, which knows every kind; here it only ever gets BERT's WordPiece. */
export interface WordPieceTokenizer {
  normalizer: Normalizer;
  encode(text: string): { ids: number[]; tokens: string[] };
  decode(ids: readonly number[], options: { skip_special_tokens: boolean }): string;
  token_to_id(token: string): number | undefined;
  id_to_token(id: number): string | undefined;
}
export const { BertNormalizer, Tokenizer: WordPieceTokenizer } = library as unknown as {
  BertNormalizer: new (config: NormalizerConfig) => Normalizer;
  Tokenizer: new (tokenizer: object, config: { clean_up_tokenization_spaces: boolean }) => WordPieceTokenizer;
};

// Those of BERT's ranges that lie beyond the first plane, with the Rust library's gap at 2B820.
const RARE_CHINESE =
  /[\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu;

/**
 * The normaliser as the Rust library has it. The JavaScript one looks for Chinese characters by UTF-16 unit, so that it
 * misses those beyond the first plane, and lower-cases whole texts, so that a final Greek sigma becomes ς, not σ.
 * What remains different are some 700 characters that Unicode got after version 8, which the Rust library's tables of
 * punctuation and accents lack; BERT's vocabulary has none of them.
 */
export class RustBertNormalizer extends BertNormalizer {
  override normalize(text: string): string {
    const spaced = this.config.handle_chinese_chars ? text.replace(RARE_CHINESE, " $& ") : text;
    return super.normalize(this.config.lowercase ? Array.from(spaced, (char) => char.toLowerCase()).join("") : spaced);
  }
}
