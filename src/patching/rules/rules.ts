import { checkObject, NoticeError } from "../../base/errors.js";
import { namesOf } from "../../base/options.js";
import { controlled } from "./controlled.js";
import { twoDeviations } from "./deviations.js";
import { greedy } from "./greedy.js";
import { asPublished } from "./published.js";
import { ranking } from "./ranked.js";
import type { Evidence, HeadSet, Rule, Ruled } from "./rule.js";

/** Every rule by which circuits are found. */
export const RULES = {
  "as-published": asPublished,
  paper: twoDeviations("mean + 2 sd of |score|, by the run's metric"),
  "paper-prob": twoDeviations("mean + 2 sd of |prob|, as the authors' notebook, at our token", "prob"),
  "paper-logit-diff": twoDeviations("mean + 2 sd of |logit difference|", "logitDiff"),
  "paper-signed": twoDeviations("mean + 2 sd of the logit difference with its sign", "logitDiff", true),
  controlled,
  effect: ranking("largest |effect| over all tokens first, until enough is kept", ({ effects }) => effects),
  attribution: ranking("largest |attribution| first, until enough is kept", ({ attributions }) => attributions),
  minimal: greedy("take away the least needed head, one after another, while enough is kept", false),
  greedy: greedy("the same, and the heads that stand in for one of those", true),
} as const satisfies Record<string, Rule>;

/** The name of a rule. */
export type RuleName = keyof typeof RULES;

export const RULE_NAMES = namesOf(RULES);

/** @throws NoticeError `options` with the names that there are. */
export function checkRule(name: string): RuleName {
  if (!Object.hasOwn(RULES, name))
    throw new NoticeError("options", `There is no rule ${JSON.stringify(name)}; choose from ${RULE_NAMES.join(", ")}.`);
  return name as RuleName;
}

/**
 * The circuit by a rule.
 *
 * @returns undefined where the evidence lacks what the rule needs.
 * @throws NoticeError `options` where there is no such rule.
 */
export async function findBy(name: RuleName, evidence: Evidence): Promise<Ruled | undefined> {
  const rule: Rule = RULES[checkRule(name)];
  checkObject("The evidence of findBy", evidence, "await evidenceOf(pairs)");
  return rule.find(evidence);
}

/** Evidence that asks about no set twice. */
export function remembering(evidence: Evidence): Evidence {
  const known = new Map<string, number>();
  const keyOf = (set: HeadSet) => [...set].sort((a, b) => a - b).join();
  return {
    ...evidence,
    async keep(sets) {
      const fresh = new Map(sets.map((set) => [keyOf(set), set] as const).filter(([key]) => !known.has(key)));
      if (fresh.size > 0) {
        const kept = await evidence.keep([...fresh.values()]);
        for (const [i, key] of [...fresh.keys()].entries()) known.set(key, kept[i]!);
      }
      return sets.map((set) => known.get(keyOf(set))!);
    },
  };
}
