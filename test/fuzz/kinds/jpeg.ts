import type { Random } from "../../../src/base/random.js";
import { joined, mutateBytes, whole } from "../mutate.js";

/** A marker with what follows it: the content of its segment, and coded data before the next marker. */
interface Segment {
  readonly marker: number;
  /** Without its length; undefined where the marker stands alone. */
  readonly content?: Uint8Array;
  readonly coded: Uint8Array;
}

const ALONE = (marker: number) => marker === 0xd8 || marker === 0xd9 || (marker >= 0xd0 && marker <= 0xd7);
const MARKERS = [
  0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc9, 0xcc, 0xd0, 0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xe0, 0xe1, 0xee, 0xfe,
];
const SIDES = [0, 1, 8, 17, 255, 4000, 8191, 13_377, 65_500, 65_535];

export function segmentsOf(file: Uint8Array): Segment[] {
  const bytes = Buffer.from(file);
  const segments: Segment[] = [];
  let at = 0;
  while (at + 1 < bytes.length) {
    const marker = bytes[at + 1]!;
    const end = ALONE(marker) ? at + 2 : at + 2 + bytes.readUInt16BE(at + 2);
    let next = end;
    // Coded data: 0xff in it is followed by 0.
    while (next < bytes.length && !(bytes[next] === 0xff && bytes[next + 1] !== 0)) next++;
    const content = ALONE(marker) ? undefined : bytes.subarray(at + 4, end);
    segments.push({ marker, content, coded: bytes.subarray(end, next) });
    at = next;
  }
  return segments;
}

/** The file of these segments, with right lengths. */
export function jpegOf(segments: readonly Segment[]): Uint8Array {
  return joined(
    ...segments.flatMap(({ marker, content, coded }) => {
      const length = (content?.length ?? 0) + 2;
      const head = content ? [0xff, marker, (length >> 8) & 255, length & 255] : [0xff, marker];
      return [Uint8Array.from(head), ...(content ? [content] : []), coded];
    }),
  );
}

type Change = (choose: Random, segments: Segment[], at: number) => unknown;

/** A sound file with some of its segments changed and all lengths right. */
export function mutateJpeg(choose: Random, file: Uint8Array): Uint8Array {
  const segments = segmentsOf(file);
  for (let round = whole(choose, 1, 3); round > 0 && segments.length > 0; round--)
    choose.pick(CHANGES)(choose, segments, whole(choose, 0, segments.length));
  return jpegOf(segments);
}

const CHANGES: readonly Change[] = [
  (choose, segments, at) => {
    const { content = new Uint8Array(), ...rest } = segments[at]!;
    segments[at] = { ...rest, content: mutateBytes(choose, content).subarray(0, 60_000) };
  },
  (choose, segments, at) => {
    segments[at] = { ...segments[at]!, coded: mutateBytes(choose, segments[at]!.coded) };
  },
  (choose, segments, at) => {
    segments[at] = { ...segments[at]!, marker: choose.pick(MARKERS) };
  },
  (_, segments, at) => segments.splice(at, 1),
  (choose, segments, at) => {
    // Scans may be thousands.
    const many = choose.chance(0.05) ? 3000 : whole(choose, 1, 4);
    segments.splice(at, 0, ...Array.from({ length: many }, () => segments[at]!));
  },
  (choose, segments, at) => segments.splice(whole(choose, 0, segments.length), 0, ...segments.splice(at, 1)),
  (choose, segments, at) =>
    segments.splice(at, 0, {
      marker: choose.pick(MARKERS),
      content: new Uint8Array(choose.pick([0, 1, 2, 6, 200, 60_000])),
      coded: new Uint8Array(),
    }),
  changeFrame,
  changeFrame,
  changeCoded,
];

/** Of the frame: its sides, its precision, its components and how they are sampled. */
function changeFrame(choose: Random, segments: Segment[]): void {
  const at = segments.findIndex(({ marker }) => marker >= 0xc0 && marker <= 0xc2);
  if (at < 0 || (segments[at]!.content?.length ?? 0) < 9) return;
  const content = Buffer.from(segments[at]!.content!);
  const field = whole(choose, 0, 5);
  if (field < 2) content.writeUInt16BE(choose.pick(SIDES), 1 + 2 * field);
  else if (field === 2) content[0] = choose.pick([0, 1, 8, 12, 16, 255]);
  else if (field === 3) content[5] = choose.pick([0, 1, 2, 3, 4, 255]);
  else content[whole(choose, 6, content.length)] = choose.pick([0, 1, 0x11, 0x22, 0x44, 0x14, 0x41, 0xff]);
  segments[at] = { ...segments[at]!, content };
}

/** Bits of the coded data turned, without a marker in it. */
function changeCoded(choose: Random, segments: Segment[]): void {
  const at = segments.findIndex(({ coded }) => coded.length > 0);
  if (at < 0) return;
  const coded = segments[at]!.coded.slice();
  for (let i = whole(choose, 1, 20); i > 0; i--) {
    const place = whole(choose, 0, coded.length);
    coded[place] = whole(choose, 0, 255);
  }
  segments[at] = { ...segments[at]!, coded };
}
