/** How bright a colour is (Rec. 601), of three bytes from `at` on. */
export function luminance(data: Uint8Array | readonly number[], at = 0): number {
  return 0.299 * data[at]! + 0.587 * data[at + 1]! + 0.114 * data[at + 2]!;
}
