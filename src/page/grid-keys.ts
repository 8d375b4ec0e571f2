const STEPS: Record<string, readonly [number, number]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  Home: [0, Number.NEGATIVE_INFINITY],
  End: [0, Number.POSITIVE_INFINITY],
};

/** Moves the focus from one cell of a map to the next; at an edge it stays. */
export function moveInGrid(event: KeyboardEvent): void {
  const step = STEPS[event.key];
  const cell = (event.target as Element).closest<SVGElement>("[data-row]");
  if (!step || !cell) return;
  event.preventDefault();
  const rows = Array.from(cell.closest("[role=grid]")!.querySelectorAll("[role=row]"), ({ children }) => children);
  const row = rows[clamp(Number(cell.dataset.row) + step[0], rows.length)]!;
  const next = row[clamp(Number(cell.dataset.column) + step[1], row.length)] as SVGElement;
  cell.setAttribute("tabindex", "-1");
  next.setAttribute("tabindex", "0");
  next.focus();
}

const clamp = (index: number, count: number) => Math.min(Math.max(index, 0), count - 1);
