import { blipVqa } from "../../src/model/blip-vqa.js";
import { circuitSites, parseSite, type SiteParts } from "../../src/patching/sites.js";

/** The towers of the architecture of all fixtures. */
export const TOWERS = Object.keys(blipVqa.towers);

export const CIRCUIT_SITES = circuitSites(blipVqa);

/** One of its sites, taken apart. */
export const siteOf = (site: string): SiteParts => parseSite({ architecture: blipVqa }, site);
