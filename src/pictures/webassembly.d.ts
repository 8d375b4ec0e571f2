/** The parts used of WebAssembly, whose types come with TypeScript's library for browsers only. */
declare namespace WebAssembly {
  class RuntimeError extends Error {}
  function compile(code: Uint8Array<ArrayBuffer>): Promise<object>;
  function instantiate(module: object, imports: object): Promise<{ readonly exports: object }>;
}
