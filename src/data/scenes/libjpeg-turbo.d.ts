/** The encoder of libjpeg-turbo's TurboJPEG API, compiled by Emscripten. */
declare module "@cornerstonejs/codec-libjpeg-turbo-8bit/wasmjs" {
  interface JPEGEncoder {
    /** A view of the codec's memory, [height, width, componentCount], to be filled with the picture. */
    getDecodedBuffer(info: {
      width: number;
      height: number;
      bitsPerSample: 8;
      componentCount: 1 | 3;
      isSigned: false;
    }): Uint8Array;
    setQuality(quality: number): void;
    /** 0: 4:4:4, 3: grey. */
    setSubSampling(subSampling: 0 | 3): void;
    encode(): void;
    /** A view of the codec's memory. */
    getEncodedBuffer(): Uint8Array;
    delete(): void;
  }
  const load: () => Promise<{ readonly JPEGEncoder: new () => JPEGEncoder }>;
  // biome-ignore lint/style/noDefaultExport: that is how the package exports it
  export default load;
}
