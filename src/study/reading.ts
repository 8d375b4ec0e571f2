import type { Architecture } from "../model/architecture.js";
import { parseSite, type Site } from "../patching/sites.js";

/** How circuits are read off scores where nobody says otherwise. docs/study.md says what each is. */
export const READING = { leastDifference: 0.5, rate: 0.05, resamples: 2000 } as const;

/** At which token: where an answer is on its way through the tower of a site. */
export function readingPosition(architecture: Architecture, site: Site): "answer" | "last" {
  return architecture.towers[parseSite({ architecture }, site).tower]!.causal ? "last" : "answer";
}
