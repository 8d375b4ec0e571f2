import {
  CodeReader,
  type CodeTable,
  CodeWriter,
  type CodeReader as Reader,
  readTables,
  WrongCodes,
} from "./jpeg-codes.js";
import {
  DHT,
  DRI,
  type JpegComponent,
  type JpegFrame,
  type JpegMarkers,
  type JpegScan,
  type JpegSegment,
  SOS,
} from "./jpeg-markers.js";

/** Components, in the order in which their scans shall have them. */
type Sets = readonly (readonly JpegComponent[])[];

/**
 * The segments of a JPEG, once for each set of components: what others' blocks are coded as is left out, and so is what
 * stands behind the last block's. Codes are copied as they are, none is made anew.
 *
 * @throws WrongCodes where codes are wrong or missing, or restart markers are.
 */
export function recode({ frame, segments }: JpegMarkers, sets: Sets): JpegSegment[][] {
  const tables = new Map<number, CodeTable>();
  const recoded: JpegSegment[][] = sets.map(() => []);
  let interval = 0;
  for (const segment of segments) {
    if (segment.marker === DHT) for (const [slot, table] of readTables(segment.content)) tables.set(slot, table);
    if (segment.marker === DRI) interval = segment.content[2]! * 256 + segment.content[3]!;
    if (segment.scan) {
      const scans = recodeScan(segment.scan, segment.content, sets, { frame, tables, interval });
      for (const [i, scan] of scans.entries()) if (scan) recoded[i]!.push(scan);
    } else for (const own of recoded) own.push(segment);
  }
  return recoded;
}

interface State {
  readonly frame: JpegFrame;
  readonly tables: ReadonlyMap<number, CodeTable>;
  /** Units between restart markers, 0 for none. */
  readonly interval: number;
}

/** The scan of each set, none where it has no component in it. */
function recodeScan(scan: JpegScan, header: Uint8Array, sets: Sets, state: State): (JpegSegment | undefined)[] {
  const { components, coded } = scan;
  const kept = sets.map((set) => set.filter((component) => components.includes(component)));
  // AC codes of progressive scans are not read: they are of one component, which is kept or not.
  if (state.frame.progressive && header.at(-3)! > 0)
    return kept.map((own) => (own.length > 0 ? { marker: SOS, content: header, scan } : undefined));
  const writers = kept.map(() => new CodeWriter(coded.length * 2 + 2));
  copyCodes(scan, header, kept, writers, state);
  return kept.map((own, i) => (own.length > 0 ? scanOf(scan, header, own, writers[i]!.finish()) : undefined));
}

function scanOf(scan: JpegScan, header: Uint8Array, components: readonly JpegComponent[], coded: Uint8Array) {
  const slots = components.flatMap(({ id }) => [
    id,
    header[4 + 2 * scan.components.findIndex((one) => one.id === id)]!,
  ]);
  const content = Uint8Array.of(0, 6 + slots.length, components.length, ...slots, ...header.slice(-3));
  return { marker: SOS, content, scan: { ...scan, components, coded } };
}

function copyCodes(
  { components, coded }: JpegScan,
  header: Uint8Array,
  kept: Sets,
  writers: readonly CodeWriter[],
  { frame, tables, interval }: State,
): void {
  const reader = new CodeReader(coded);
  const copy = frame.progressive ? (header.at(-1)! >> 4 ? copyBit : copyDc) : copyBlock;
  const parts = components.map((component, i) => ({
    blocks: components.length > 1 ? component.across * component.down : 1,
    dc: tables.get(header[4 + 2 * i]! >> 4),
    ac: tables.get(0x10 | (header[4 + 2 * i]! & 15)),
    codes: [] as number[],
  }));
  const written = kept.map((own) => own.map((component) => parts[components.indexOf(component)]!));
  const units = components.length > 1 ? components[0]!.blocks / parts[0]!.blocks : blocksAlone(frame, components[0]!);
  for (let unit = 0; unit < units; unit++) {
    if (interval > 0 && unit > 0 && unit % interval === 0) {
      const number = (unit / interval - 1) & 7;
      reader.restart(number);
      for (const writer of writers) writer.restart(number);
    }
    for (const { blocks, dc, ac, codes } of parts) {
      reader.codes = codes;
      for (let block = 0; block < blocks; block++) copy(reader, dc, ac);
    }
    for (const [i, writer] of writers.entries()) for (const { codes } of written[i]!) writer.put(codes);
    for (const { codes } of parts) codes.length = 0;
  }
}

/** How many blocks a component has in a scan of its own, where none only fills the edge up. */
function blocksAlone({ width, height, components }: JpegFrame, { across, down }: JpegComponent): number {
  const widest = Math.max(...components.map((one) => one.across));
  const highest = Math.max(...components.map((one) => one.down));
  return Math.ceil((width * across) / (8 * widest)) * Math.ceil((height * down) / (8 * highest));
}

const missing: CodeTable = {
  largest: new Int32Array(17).fill(-1),
  offset: new Int32Array(17),
  symbols: new Uint8Array(),
};

const copyBit = (reader: Reader) => reader.skip(1);

function copyDc(reader: Reader, dc = missing): void {
  const bits = reader.symbol(dc);
  if (bits > 15) throw new WrongCodes("a wrong code");
  reader.skip(bits);
}

function copyBlock(reader: Reader, dc?: CodeTable, ac = missing): void {
  copyDc(reader, dc);
  for (let k = 1; k < 64; k++) {
    const code = reader.symbol(ac);
    k += code >> 4;
    if (code & 15) reader.skip(code & 15);
    else if (code < 0xf0) break;
  }
}
