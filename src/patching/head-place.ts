import type { ArchitectureName } from "../model/architectures.js";
import type { CircuitSite } from "./sites.js";

/** A head, by its place in its tower. */
export interface HeadPlace {
  readonly layer: number;
  readonly head: number;
}

/** As the field says it: L5H3. */
export const headName = ({ layer, head }: HeadPlace) => `L${layer}H${head}`;

/** A head of one kind of attention of one tower. */
export interface HeadAt<A extends ArchitectureName = ArchitectureName> {
  readonly site: CircuitSite<A>;
  readonly layer: number;
  readonly head: number;
}

/** As `notice faithful` and `notice path` take it: `text.cross.z:L0H1`. */
export const siteHeadName = (head: HeadAt) => `${head.site}:${headName(head)}`;
