/** A head, by its place in its tower. */
export interface HeadPlace {
  readonly layer: number;
  readonly head: number;
}

/** As the field says it: L5H3. */
export const headName = ({ layer, head }: HeadPlace) => `L${layer}H${head}`;
