import { NoticeError } from "../base/errors.js";
import { offsetFromAnswer, placeOf } from "../patching/positions.js";
import { parseSite } from "../patching/sites.js";
import { loadTokenizer, type Tokenizer } from "../words/tokenizer.js";
import { positionsOf } from "../words/words.js";
import { questionsOf } from "./queries/samples.js";
import type { StudyRun } from "./run.js";

/** Where circuits are read: a number of tokens after the correct answer, an index, or a token. */
export type Place =
  | { readonly fromAnswer: number }
  | { readonly index: number; readonly fromAnswer?: undefined }
  | { readonly token: string; readonly fromAnswer?: undefined; readonly index?: undefined };

/** @throws NoticeError `options` */
export function parsePosition(position: string): Place {
  const fromAnswer = offsetFromAnswer(position);
  if (fromAnswer !== undefined) return { fromAnswer };
  if (/^\d{1,4}$/.test(position)) return { index: Number(position) };
  if (position === "all")
    throw new NoticeError("options", "Circuits are read at one position: answer, answer-1, an index or a token.");
  return { token: position };
}

interface Asked {
  readonly question: string;
  readonly correct: string;
  readonly incorrect: string;
}

/**
 * Checks, before long work, that the questions have the position at which circuits are read.
 *
 * @throws NoticeError `options` where no question has the position, with tokens that the questions have.
 */
export async function checkPosition(run: StudyRun, of: "samples" | "selected"): Promise<void> {
  const place = parsePosition(run.settings.position);
  const architecture = await run.architecture();
  const sites = run.settings.sites.map((site) => parseSite({ architecture }, site)).filter(({ perHead }) => perHead);
  if (sites.length === 0 || sites.some(({ tokens }) => tokens !== "question")) return;
  const asked = await questionsOf(run.store, of);
  const tokenizer = await loadTokenizer(await run.modelFiles());
  if (asked.length === 0 || asked.some((one) => hasPlace(tokenizer, one, place))) return;
  const [what, such] = [JSON.stringify(run.settings.position), commonTokens(tokenizer, asked).join(", ")];
  throw new NoticeError(
    "options",
    `No question of the run ${run.folder} has the position ${what}, at which circuits are to be read` +
      `${place.fromAnswer === undefined ? "" : ": none contains its correct answer, once or as an alternative"}. ` +
      `Give --position with an index, or with a token that the questions have, such as ${such}.`,
  );
}

function hasPlace(tokenizer: Tokenizer, { question, correct, incorrect }: Asked, place: Place): boolean {
  const encoding = tokenizer.encode(question);
  if (place.fromAnswer === undefined)
    return place.index === undefined ? encoding.tokens.includes(place.token) : place.index < encoding.tokens.length;
  const answer = placeOf((word) => positionsOf(tokenizer, encoding, word), correct, incorrect);
  return answer !== undefined && encoding.tokens[answer + place.fromAnswer] !== undefined;
}

/** Up to three tokens that most questions have, each with the share of them, later ones first. */
function commonTokens(tokenizer: Tokenizer, asked: readonly Asked[]): string[] {
  const counts = new Map<string, number>();
  for (const { question } of asked)
    for (const token of new Set(tokenizer.encode(question).tokens.slice(1, -1).reverse()))
      counts.set(token, (counts.get(token) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, 3)
    .map(([token, count]) => `${JSON.stringify(token)} (in ${count} of ${asked.length})`);
}
