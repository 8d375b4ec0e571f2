/** Bytes that can be read in parts: a file, a Blob, a ranged download. */
export interface ByteSource {
  /** Named in errors. */
  readonly name: string;
  readonly size: number;
  /** The bytes [start, end). */
  read(start: number, end: number): Promise<Uint8Array>;
}

/** A checkpoint's files, wherever they lie: a folder, a cache, a web server. */
export interface CheckpointFiles {
  /** The folder or hub id, named in errors. */
  readonly name: string;
  /** A file's text, or undefined where there is no such file. */
  text(file: string): Promise<string | undefined>;
  /** A file's bytes, or undefined where there is no such file. */
  bytes(file: string): Promise<ByteSource | undefined>;
}
