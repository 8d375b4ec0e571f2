import {
  attributedGroups,
  comparedPlaces,
  type PlaceAgreement,
  type SiteAgreement,
  siteAgreements,
} from "./queries/agreement.js";
import type { StudyRun } from "./run.js";
import type { Modality } from "./settings.js";

/** How far gradients can be trusted on a data set in a modality. */
export interface AttributionAgreement {
  readonly dataset: string;
  readonly modality: Modality;
  readonly sites: readonly SiteAgreement[];
  /** Where the two are furthest apart at each site, worst first. */
  readonly misses: readonly PlaceAgreement[];
  /** Of each site the misses, those with the largest changes, and others at random. */
  readonly places: readonly PlaceAgreement[];
}

/** Compares what gradients expected with what patching did, wherever a run has both. */
export async function readAgreement(run: StudyRun): Promise<AttributionAgreement[]> {
  const { store } = run;
  const architecture = await run.architecture();
  const found: AttributionAgreement[] = [];
  for (const group of await attributedGroups(store)) {
    const sites = await siteAgreements(store, group);
    const shown = (await comparedPlaces(store, { ...group, architecture })).map(({ miss, ...place }) => ({
      miss,
      place,
    }));
    const misses = shown.filter(({ miss }) => miss).map(({ place }) => place);
    found.push({ ...group, sites, misses, places: shown.map(({ place }) => place) });
  }
  return found;
}
