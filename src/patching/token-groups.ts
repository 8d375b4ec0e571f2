import { checkList } from "../base/errors.js";
import { checkShape } from "../base/options.js";
import { towerOf, towersOf } from "../model/architecture.js";
import type { ArchitectureName } from "../model/architectures.js";
import type { Groups } from "./group-sweep.js";
import { gridsOf } from "./image-places.js";
import { checkPair, type Pair } from "./pair.js";
import { checkIndex, countOf, indexes } from "./run.js";
import { parseSite, type Site } from "./sites.js";

/**
 * The usual groups of tokens at a site, for `sweepGroups` (FCCT, 2511.05923): `object`; `neighbours`, the patches that
 * touch it; `other patches`; `question`, the words that are asked, without the next two; `answer`, its word in the
 * question; `last`. No token is in two of them, and what frames a prompt is in none. A group without tokens is left
 * out: a site has words or patches, and both where the picture stands among the words.
 *
 * @param place.object the object's tokens, as `tokensUnder` or `tokensIn` gives them for the site. Without it, all
 * patches are others.
 * @throws NoticeError `site` where there is no such site or token.
 * @example await sweepGroups(pair, { site, groups: tokenGroups(pair, { site, object: await blip.tokensUnder(mask) }) })
 */
export function tokenGroups<A extends ArchitectureName>(
  pair: Pair<A>,
  place: { readonly site: Site<A>; readonly object?: readonly number[] },
): Groups {
  checkPair(pair);
  checkShape("tokenGroups", place, { such: '{ site: "vision.resid_post", object: [3, 4] }', keys: ["site", "object"] });
  const { site, object = [] } = place;
  checkList("The object of tokenGroups", object, "[3, 4]");
  const { tokensOf } = parseSite(pair.model, site);
  const count = countOf(pair.clean.activations, tokensOf);
  for (const token of object) checkIndex("token", token, count, "the tokens of the object");
  const isQuestion = towerOf(pair.model, tokensOf).tokens === "question";
  const groups = {
    ...patchGroups(patchGrids(pair as Pair, tokensOf), object),
    ...(isQuestion ? wordGroups(pair as Pair) : {}),
  };
  return Object.fromEntries(Object.entries(groups).filter(([, tokens]) => tokens.length > 0));
}

/** The image tokens among a tower's, [tile][row][column]; none where it has words only. */
export function patchGrids({ model, question, clean }: Pair, tower: string): number[][][] {
  const own = towerOf(model, tower).tokens === "image";
  if (!own && !question.image) return [];
  const [seeing] = towersOf(model).find(([, { tokens }]) => tokens === "image")!;
  return gridsOf(model, countOf(clean.activations, seeing), own ? undefined : question.image);
}

function patchGroups(grids: readonly number[][][], object: readonly number[]): Record<string, number[]> {
  const inside = new Set(object);
  const neighbours = new Set<number>();
  for (const grid of grids)
    for (const [row, tokens] of grid.entries())
      for (const [column, token] of tokens.entries()) {
        if (!inside.has(token)) continue;
        for (const near of [-1, 0, 1].flatMap((down) => [-1, 0, 1].map((right) => grid[row + down]?.[column + right])))
          if (near !== undefined && !inside.has(near)) neighbours.add(near);
      }
  const all = grids.flat(2);
  const others = all.filter((token) => !inside.has(token) && !neighbours.has(token));
  return { object: [...inside], neighbours: all.filter((token) => neighbours.has(token)), "other patches": others };
}

function wordGroups({ question, answers, answerToken }: Pair): Record<string, number[]> {
  const { ids, image = [] } = question;
  const last = ids.length - 1;
  const answer = answerToken === undefined ? [] : wordAt(question, answers.correct.text, answerToken);
  const rest = new Set([...image, ...answer, last]);
  const asked = (question.question ?? indexes(ids.length)).filter((token) => !rest.has(token));
  return { question: asked, answer: answer.filter((token) => token !== last), last: [last] };
}

/** All pieces of a word that begins there. */
function wordAt({ find }: Pair["question"], word: string, token: number): number[] {
  try {
    return [...(find(word).find(([first]) => first === token) ?? [token])];
  } catch {
    return [token];
  }
}
