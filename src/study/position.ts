import { NoticeError } from "../base/errors.js";
import { offsetFromAnswer, placeOf } from "../patching/positions.js";
import { parseSite } from "../patching/sites.js";
import { questionsOf } from "./queries/samples.js";
import type { StudyRun } from "./run.js";
import { type Wording, wordingOf } from "./wording.js";

/** Where circuits are read: a number of tokens after the correct answer, an index, the last token, or a token. */
export type Place =
  | { readonly fromAnswer: number }
  | { readonly index: number; readonly fromAnswer?: undefined }
  | { readonly isLast: true; readonly fromAnswer?: undefined; readonly index?: undefined }
  | {
      readonly token: string;
      readonly fromAnswer?: undefined;
      readonly index?: undefined;
      readonly isLast?: undefined;
    };

/** @throws NoticeError `options` */
export function parsePosition(position: string): Place {
  const fromAnswer = offsetFromAnswer(position);
  if (fromAnswer !== undefined) return { fromAnswer };
  if (/^\d{1,4}$/.test(position)) return { index: Number(position) };
  if (position === "last") return { isLast: true };
  if (position === "all")
    throw new NoticeError("options", "Circuits are read at one position: answer, answer-1, last, an index or a token.");
  return { token: position };
}

interface Asked {
  readonly question: string;
  readonly correct: string;
  readonly incorrect: string;
  readonly answer_place: string | null;
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
  const wording = await wordingOf(run);
  if (asked.length === 0 || asked.some((one) => hasPlace(wording, one, place))) return;
  const [what, such] = [JSON.stringify(run.settings.position), commonTokens(wording, asked).join(", ")];
  throw new NoticeError(
    "options",
    `No question of the run ${run.folder} has the position ${what}, at which circuits are to be read` +
      `${place.fromAnswer === undefined ? "" : ": none contains its correct answer, once or as an alternative"}. ` +
      `Give --position with an index, or with a token that the questions have, such as ${such}.`,
  );
}

function hasPlace(wording: Wording, { question, correct, incorrect, answer_place }: Asked, place: Place): boolean {
  const { tokens, find } = wording.read(question);
  if (place.fromAnswer === undefined) {
    if (place.index !== undefined) return place.index < tokens.length;
    return place.isLast || tokens.includes(place.token);
  }
  const answer = placeOf({ tokens, find, answerPlace: answer_place ?? undefined }, correct, incorrect);
  return answer !== undefined && tokens[answer + place.fromAnswer] !== undefined;
}

/** Up to three tokens that most questions have, each with the share of them, later ones first. */
function commonTokens(wording: Wording, asked: readonly Asked[]): string[] {
  const counts = new Map<string, number>();
  for (const { question } of asked)
    for (const token of new Set([...wording.read(question).own].reverse()))
      counts.set(token, (counts.get(token) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, 3)
    .map(([token, count]) => `${JSON.stringify(token)} (in ${count} of ${asked.length})`);
}
