/** `1.54 GB`, as disks and networks count: steps of 1000, three digits. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  const value = bytes / 1000 ** step;
  return `${step === 0 || value >= 100 ? Math.round(value) : value.toPrecision(3)} ${units[step]}`;
}

const UNITS = [
  ["GB", 1e9],
  ["GiB", 2 ** 30],
  ["MB", 1e6],
  ["MiB", 2 ** 20],
] as const;

/**
 * Sizes in the unit of a limit: of one that somebody gave, that which makes it a short number (`2.5 GB`, `60 MiB`). One
 * that was found is not round: gigabytes, and below one as `formatBytes`.
 */
export function inUnitOf(limit: number): (bytes: number) => string {
  const given = UNITS.find(([, size]) => limit >= size && (10 * limit) % size === 0);
  const [name, size] = given ?? UNITS[0];
  if (!given && limit < size) return formatBytes;
  return (bytes) => `${given && bytes === limit ? bytes / size : Number((bytes / size).toPrecision(3))} ${name}`;
}
