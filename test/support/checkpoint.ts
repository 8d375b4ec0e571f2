import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ByteSource } from "../../src/base/source.js";
import { FIXTURES, readJson } from "./fixture.js";

/** A tensor as a safetensors file holds it. */
export interface StoredTensor {
  dtype: string;
  shape: number[];
  bytes: Uint8Array;
}

/** What `config.json` holds. */
export interface ConfigDraft {
  [field: string]: unknown;
  text_config: Record<string, unknown>;
  vision_config: Record<string, unknown>;
}

/** A checkpoint before it is written; change whatever a test is about. */
export interface CheckpointDraft {
  config: ConfigDraft;
  tensors: Map<string, StoredTensor>;
  /** Further files by name; `undefined` removes one. */
  files: Record<string, string | Uint8Array | undefined>;
  /** Changes the finished `model.safetensors`. */
  finish: (file: Uint8Array) => Uint8Array;
}

/**
 * Writes `test/fixtures/<from>` (one with a single `model.safetensors`) into `folder`, with changes.
 *
 * @returns the folder.
 */
export function writeCheckpoint(folder: string, mutate: (draft: CheckpointDraft) => void = () => {}, from = "narrow") {
  const source = join(FIXTURES, from);
  for (const file of ["tokenizer.json", "tokenizer_config.json", "vocab.txt", "preprocessor_config.json"])
    if (existsSync(join(source, file))) cpSync(join(source, file), join(folder, file));
  const draft: CheckpointDraft = {
    config: readJson(join(source, "config.json")),
    tensors: readStored(readFileSync(join(source, "model.safetensors"))),
    files: {},
    finish: (file) => file,
  };
  mutate(draft);
  writeFileSync(join(folder, "config.json"), JSON.stringify(draft.config));
  writeFileSync(join(folder, "model.safetensors"), draft.finish(safetensorsFile(draft.tensors)));
  for (const [file, content] of Object.entries(draft.files))
    if (content === undefined) rmSync(join(folder, file));
    else writeFileSync(join(folder, file), content);
  return folder;
}

const made: string[] = [];
process.on("exit", () => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

/** A new folder, removed when the process ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "notice-test-"));
  made.push(folder);
  return folder;
}

/** The tensors one after the other, their header before them. */
export function safetensorsFile(tensors: Iterable<[string, StoredTensor]>, metadata?: Record<string, string>) {
  const header: Record<string, unknown> = metadata ? { __metadata__: metadata } : {};
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const [name, { dtype, shape, bytes }] of tensors) {
    header[name] = { dtype, shape, data_offsets: [at, at + bytes.length] };
    parts.push(bytes);
    at += bytes.length;
  }
  return fileOf(JSON.stringify(header), Buffer.concat(parts));
}

/** Any header before any data; `length` is what the file claims of the header. */
export function fileOf(header: string | Uint8Array, data: Uint8Array, length?: bigint): Uint8Array {
  const text = Buffer.from(header);
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(length ?? BigInt(text.length));
  return new Uint8Array(Buffer.concat([prefix, text, data])); // at byte 0 of its own buffer
}

/** The parts of a sound file. */
export function readStored(file: Uint8Array): Map<string, StoredTensor> {
  const bytes = Buffer.from(file);
  const data = 8 + Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.toString("utf8", 8, data)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const names = Object.keys(header).filter((name) => name !== "__metadata__");
  return new Map(
    names.map((name) => {
      const { dtype, shape, data_offsets } = header[name]!;
      const [from, to] = data_offsets.map((offset) => data + offset) as [number, number];
      return [name, { dtype, shape, bytes: new Uint8Array(bytes.subarray(from, to)) }];
    }),
  );
}

/** float32 values as stored. */
export function floats(...values: number[]): Uint8Array {
  return new Uint8Array(new Float32Array(values).buffer);
}

/** A file in memory; its parts begin at odd addresses, as those of a memory map may. */
export function bytesSource(file: Uint8Array, name = "model.safetensors"): ByteSource {
  const shifted = new Uint8Array(file.length + 1);
  shifted.set(file, 1);
  return { name, size: file.length, read: async (start, end) => shifted.subarray(start + 1, end + 1) };
}
