import { z } from "zod";
import { NoticeError } from "../base/errors.js";

/** Of a token; so a vocabulary has no more than one token more. */
export const MAX_ID = 1_000_000;
/** Each becomes a node of a tree. */
const MAX_ADDED_CHARACTERS = 200_000;
const MAX_ADDED = 10_000;
const FEW = `together at most ${MAX_ADDED} tokens of ${MAX_ADDED_CHARACTERS} characters were expected`;

const content = z.string().min(1);
const flags = z.object({
  content,
  single_word: z
    .literal(false, "expected false: a token that counts only as a whole word is not supported")
    .default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  normalized: z.boolean().default(false),
  special: z.boolean().default(false),
});
const tokenId = z.int().nonnegative().max(MAX_ID);

/** What is looked for in a text before it is cut into words. */
type AddedToken = z.infer<typeof flags> & { readonly id: number };

function areFew(tokens: readonly { readonly content: string }[]): boolean {
  const characters = tokens.reduce((sum, token) => sum + token.content.length, 0);
  return tokens.length <= MAX_ADDED && characters <= MAX_ADDED_CHARACTERS;
}

/** `added_tokens` of a tokenizer.json. */
export const addedTokens = z
  .array(z.unknown())
  .max(MAX_ADDED)
  .pipe(z.array(flags.extend({ id: tokenId })))
  .refine(areFew, FEW)
  .nullish()
  .transform((tokens) => tokens ?? []);

/** `added_tokens_decoder` of a tokenizer_config.json. */
export const addedTokensDecoder = z.record(z.string().regex(/^\d{1,7}$/), flags).nullish();

/** added_tokens.json, of which transformers took no more than the ids, once. */
export const addedIds = z.record(content, tokenId);

const special = z.union([
  content.transform((text) => ({ content: text })),
  flags.partial().required({ content: true }),
]);
const specials = z.union([z.array(special), z.record(z.string(), special).transform((named) => Object.values(named))]);
const KINDS = ["bos", "eos", "unk", "sep", "pad", "cls", "mask"] as const;
type Kind = `${(typeof KINDS)[number]}_token`;

/** The special tokens that a tokenizer_config.json or special_tokens_map.json names. */
export const specialTokens = z.object({
  ...(Object.fromEntries(KINDS.map((kind) => [`${kind}_token`, special.nullish()])) as Record<
    Kind,
    z.ZodOptional<z.ZodNullable<typeof special>>
  >),
  additional_special_tokens: specials.nullish(),
  extra_special_tokens: specials.nullish(),
});

/** A token that a file beside the vocabulary names; without an id it gets the next one. */
export type NamedToken = Partial<AddedToken> & Pick<AddedToken, "content">;

/** In the order in which transformers adds those that have no id. */
export function namedSpecials(named: z.infer<typeof specialTokens>): NamedToken[] {
  const kinds = KINDS.flatMap((kind) => named[`${kind}_token`] ?? []);
  const others = [...(named.additional_special_tokens ?? []), ...(named.extra_special_tokens ?? [])];
  return [...kinds, ...others].map((token) => ({ ...token, special: true }));
}

/**
 * The added tokens, with those that other files name behind those of the vocabulary: as transformers adds them, each
 * once, with the id that it has in the vocabulary, or the next.
 *
 * @throws NoticeError `checkpoint` where such a file states another id.
 */
export function allAdded(
  vocabulary: Readonly<Record<string, number>>,
  known: readonly AddedToken[],
  named: readonly NamedToken[],
  file: string,
): AddedToken[] {
  const added = new Map(known.map((token) => [token.content, token]));
  let next = 1 + Object.values(vocabulary).reduce((most, id) => Math.max(most, id), -1);
  for (const { id } of known) next = Math.max(next, id + 1);
  for (const { id: stated, ...token } of named) {
    const there =
      added.get(token.content)?.id ??
      (Object.hasOwn(vocabulary, token.content) ? vocabulary[token.content] : undefined);
    const id = there ?? next++;
    if (stated !== undefined && stated !== id)
      throw new NoticeError(
        "checkpoint",
        `${file}: the added token ${JSON.stringify(token.content)} has the id ${stated} in one file and ${id} by the vocabulary. ` +
          "Save the tokenizer again: tokenizer.save_pretrained(folder) in transformers.",
      );
    if (!added.has(token.content)) added.set(token.content, { ...flags.parse(token), id });
  }
  const all = [...added.values()];
  if (!areFew(all)) throw new NoticeError("checkpoint", `${file}: too many added tokens; ${FEW}.`);
  return all;
}
