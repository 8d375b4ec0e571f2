import { isRecord, NoticeError } from "../base/errors.js";
import { parseJson, shown } from "../base/json.js";
import { isPointer, POINTER, pointerError } from "../base/pointer.js";
import type { ByteSource } from "../base/source.js";
import { type HalfKind, narrowed, widened } from "./half.js";

// Read directly, not through npm's `safetensors`: that throws on every Hugging Face file (`__metadata__`), wants the
// whole file in one buffer and checks nothing (docs/decisions.md).

const BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
};

/** What a tensor may be stored as. Weights are read from F64, F32, F16 and BF16; buffers may be anything. */
type Dtype = keyof typeof BYTES;

/** Where one tensor lies: bytes [start, end) of its source. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly source: ByteSource;
  readonly start: number;
  readonly end: number;
}

/** As in Hugging Face's reader: a longer header is refused before it is read. */
const MAX_HEADER_BYTES = 100_000_000;
/** Those of about 100,000 tensors; the deepest model that config.json may describe has 20,000. */
const MAX_HEADER_VALUES = 1_000_000;

/**
 * The tensors of a safetensors file by name, every offset checked: inside the file, of the length that dtype and shape
 * say, without overlap or hole, and no name twice.
 *
 * @throws NoticeError `checkpoint` naming the file, what was found and what was expected.
 * @see https://github.com/huggingface/safetensors#format
 */
export async function readSafetensors(source: ByteSource): Promise<Map<string, TensorEntry>> {
  const bad = (what: string) =>
    new NoticeError("checkpoint", `${source.name} is not a whole safetensors file: ${what}.`);
  if (source.size < 8) throw bad(`it has ${source.size} bytes, and the header's length alone takes 8`);
  if (isPointer(await source.read(0, Math.min(POINTER.length, source.size)))) throw pointerError(source.name);
  const prefix = await source.read(0, 8);
  const length = new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES))
    throw bad(`its header claims ${length} bytes; at most ${MAX_HEADER_BYTES} are read`);
  const dataStart = 8 + Number(length);
  if (dataStart > source.size)
    throw bad(`its header claims ${length} bytes and the file has ${source.size}; download it again`);
  const header = parseHeader(await source.read(8, dataStart), source.name, bad);
  const entries = Object.entries(header)
    .filter(([name]) => name !== "__metadata__")
    .map(([name, described]) => checkEntry(name, described, source, dataStart, bad))
    .sort((a, b) => a.start - b.start || a.end - b.end);
  let reached = dataStart;
  for (const { name, start, end } of entries) {
    if (start < reached)
      throw bad(`tensor ${name} begins at byte ${start}, inside the tensor before it (to ${reached})`);
    if (start > reached) throw bad(`bytes ${reached} to ${start}, before tensor ${name}, belong to no tensor`);
    reached = end;
  }
  if (reached !== source.size) throw bad(`its tensors end at byte ${reached} and the file at ${source.size}`);
  return new Map(entries.map((entry) => [entry.name, entry]));
}

function parseHeader(bytes: Uint8Array, file: string, bad: (what: string) => NoticeError): Record<string, unknown> {
  let json: string;
  try {
    json = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw bad("its header is not UTF-8 text");
  }
  const header = parseJson(json, `the header of ${file}`, { most: MAX_HEADER_VALUES });
  if (!isRecord(header)) throw bad("its header is not a JSON object");
  const twice = repeatedName(json);
  if (twice !== undefined) throw bad(`its header has ${shown(twice)} twice in one object`);
  return header;
}

/** A name that stands twice in one object of valid JSON: of such, JSON.parse keeps the last in silence. */
function repeatedName(json: string): string | undefined {
  const objects: Set<string>[] = [];
  let text = "";
  for (let at = 0; at < json.length; at++) {
    const char = json[at];
    if (char === "{") objects.push(new Set());
    else if (char === "}") objects.pop();
    else if (char === '"') {
      const start = at;
      for (at++; json[at] !== '"'; at++) if (json[at] === "\\") at++;
      text = json.slice(start, at + 1);
    } else if (char === ":") {
      const name = JSON.parse(text) as string;
      if (objects.at(-1)!.has(name)) return name;
      objects.at(-1)!.add(name);
    }
  }
  return undefined;
}

function checkEntry(
  name: string,
  described: unknown,
  source: ByteSource,
  dataStart: number,
  bad: (what: string) => NoticeError,
): TensorEntry {
  const natural = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  if (!isRecord(described)) throw bad(`tensor ${name} is described by ${shown(described)}, not an object`);
  const { dtype, shape, data_offsets: offsets } = described;
  if (typeof dtype !== "string" || !Object.hasOwn(BYTES, dtype))
    throw bad(`tensor ${name} has dtype ${shown(dtype)}; the format has ${Object.keys(BYTES).join(", ")}`);
  if (!Array.isArray(shape) || shape.length > 8 || !shape.every(natural))
    throw bad(`tensor ${name} has shape ${shown(shape)}; at most 8 whole numbers were expected`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(natural))
    throw bad(
      `tensor ${name} has data_offsets ${shown(offsets)}; its first byte and the one after its last were expected`,
    );
  const [start, end] = offsets.map((offset: number) => dataStart + offset) as [number, number];
  if (end < start || end > source.size)
    throw bad(`tensor ${name} lies at bytes ${start} to ${end} and the file has ${source.size}; download it again`);
  const bytes = shape.reduce((product: number, side: number) => product * side, BYTES[dtype as Dtype]);
  if (end - start !== bytes)
    throw bad(`tensor ${name} [${shape}] ${dtype} takes ${bytes} bytes and its data_offsets span ${end - start}`);
  return { name, dtype: dtype as Dtype, shape, source, start, end };
}

/**
 * The values of a tensor as float32, whatever float type it is stored in.
 *
 * @throws NoticeError `checkpoint` where a value is NaN or infinite.
 */
export async function readFloats(entry: TensorEntry): Promise<Float32Array> {
  return finite(decoded(entry, await bytesOf(entry)), entry);
}

/** Values that are read at a time where 16 bits are kept of each: little stands beside the result. */
const PIECE = 1 << 20;

/**
 * The values of a tensor in 16 bits: as they are stored, or rounded to float16; undefined where one of them is too
 * large for that.
 *
 * @throws NoticeError `checkpoint` where a value is NaN or infinite.
 */
export async function readHalves(entry: TensorEntry): Promise<{ bits: Uint16Array; kind: HalfKind } | undefined> {
  const { dtype, start, end } = entry;
  const kind = dtype === "BF16" ? "BF16" : "F16";
  const bits = new Uint16Array((end - start) / BYTES[dtype]);
  for (let first = 0; first < bits.length; first += PIECE) {
    const last = Math.min(bits.length, first + PIECE);
    const bytes = await bytesOf(entry, start + first * BYTES[dtype], start + last * BYTES[dtype]);
    const floats = finite(decoded(entry, bytes), entry, first);
    const piece = dtype === kind ? halves(bytes) : narrowed(floats);
    if (!piece) return undefined;
    bits.set(piece, first);
  }
  return { bits, kind };
}

async function bytesOf(entry: TensorEntry, from = entry.start, to = entry.end): Promise<Uint8Array> {
  const { name, source, start, end } = entry;
  const bytes = await source.read(from, to);
  if (bytes.length === to - from) return bytes;
  throw new NoticeError(
    "checkpoint",
    `${source.name} ended inside tensor ${name}: ${from - start + bytes.length} of ${end - start} bytes.`,
  );
}

function decoded({ name, dtype, source }: TensorEntry, bytes: Uint8Array): Float32Array {
  const decode = DECODERS[dtype];
  if (decode) return decode(bytes);
  throw new NoticeError(
    "checkpoint",
    `${source.name}: tensor ${name} is stored as ${dtype}; F64, F32, F16 or BF16 was expected.`,
  );
}

/** @param first the element that the values begin with. */
function finite(floats: Float32Array, { name, source }: TensorEntry, first = 0): Float32Array {
  if (isFinite32(floats)) return floats;
  const at = floats.findIndex((value) => !Number.isFinite(value));
  throw new NoticeError(
    "checkpoint",
    `${source.name}: tensor ${name} holds ${floats[at]} at element ${first + at}; weights must be finite.`,
  );
}

/** Products with 0 are 0, or NaN. Four sums at a time go at twice the speed of one test a value. */
function isFinite32(floats: Float32Array): boolean {
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = floats.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    a += floats[i]! * 0;
    b += floats[i + 1]! * 0;
    c += floats[i + 2]! * 0;
    d += floats[i + 3]! * 0;
  }
  for (let i = whole; i < floats.length; i++) a += floats[i]! * 0;
  return a + b + c + d === 0;
}

const DECODERS: Partial<Record<Dtype, (bytes: Uint8Array) => Float32Array>> = {
  F32: (bytes) => {
    const { buffer, byteOffset, byteLength } = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
    return new Float32Array(buffer, byteOffset, byteLength / 4);
  },
  F16: (bytes) => widened(halves(bytes), "F16"),
  F64: (bytes) => {
    const { buffer, byteOffset, byteLength } = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
    return Float32Array.from(new Float64Array(buffer, byteOffset, byteLength / 8));
  },
  BF16: (bytes) => widened(halves(bytes), "BF16"),
};

function halves(bytes: Uint8Array): Uint16Array {
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
  return new Uint16Array(buffer, byteOffset, byteLength / 2);
}
