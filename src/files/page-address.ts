// In a worker of a page, relative addresses start at the page's and not at the worker's script.

let start: string | undefined;

export function startAt(page: string): void {
  start = page;
}

export function fromStart(address: string): string | URL {
  return start === undefined ? address : new URL(address, start);
}
