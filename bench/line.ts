/** The straight line through some points, by least squares. */
export function lineThrough(points: readonly { readonly x: number; readonly y: number }[]): (x: number) => number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(points.map((point) => point.x)), mean(points.map((point) => point.y))];
  const slope = mean(points.map((p) => (p.x - x) * (p.y - y))) / mean(points.map((p) => (p.x - x) ** 2));
  return (at) => y + slope * (at - x);
}
