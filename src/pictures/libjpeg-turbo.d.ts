/** The parts used of libjpeg-turbo's TurboJPEG API, compiled by Emscripten. */
declare module "@cornerstonejs/codec-libjpeg-turbo-8bit/*" {
  export interface JPEGDecoder {
    /** A view of the codec's memory, to be filled with the file. */
    getEncodedBuffer(size: number): Uint8Array;
    /** Throws, as a number, on errors and also on libjpeg's warnings (damaged or missing data). */
    decode(): void;
    /** A copy, [height, width, componentCount]. */
    getDecodedBuffer(): Uint8ClampedArray;
    /** Frees the codec's memory. */
    delete(): void;
  }
  export interface Codec {
    readonly JPEGDecoder: new () => JPEGDecoder;
  }
  const load: () => Promise<Codec>;
  // biome-ignore lint/style/noDefaultExport: that is how the package exports it
  export default load;
}
