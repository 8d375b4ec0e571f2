declare module "safetensors" {
  /** Reads a whole file that begins at its buffer's first byte and has no `__metadata__`; checks nothing. */
  export class SafeTensor {
    constructor(file: Uint8Array);
    readonly metadata: Map<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;
    getTensor(name: string): Uint8Array;
  }
}
