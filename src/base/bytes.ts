/** `1.54 GB`, as disks and networks count: steps of 1000, three digits. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  const value = bytes / 1000 ** step;
  return `${step === 0 || value >= 100 ? Math.round(value) : value.toPrecision(3)} ${units[step]}`;
}

/** With the steps of a limit that somebody gave in them. */
const UNITS = [
  ["GB", 1e9, 1e8],
  ["GiB", 2 ** 30, 2 ** 30],
  ["MB", 1e6, 1e6],
  ["MiB", 2 ** 20, 2 ** 20],
] as const;

/**
 * Sizes in the unit of a limit: that in which somebody gave it (`2.5 GB`, `60 MiB`), as far as that can be told, else
 * gigabytes, and below a megabyte as `formatBytes`.
 */
export function inUnitOf(limit: number): (bytes: number) => string {
  const given = UNITS.find(([, size, step]) => limit >= size && limit % step === 0);
  const [name, size] = given ?? UNITS[0];
  if (limit < 1e6) return formatBytes;
  return (bytes) => `${given && bytes === limit ? bytes / size : Number((bytes / size).toPrecision(3))} ${name}`;
}
