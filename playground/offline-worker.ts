// The service worker of the folder that `npm run playground` makes. With a network the page is the server's; without
// one it is that of the last build that was kept whole. The model is kept by the page's own worker.

/** What the folder holds, and a digest of it: scripts/playground.mjs writes them in. */
declare const FILES: readonly string[];
declare const VERSION: string;

interface Waitable {
  waitUntil(work: Promise<unknown>): void;
}
interface Fetched extends Waitable {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
const worker = globalThis as unknown as {
  readonly registration: { readonly scope: string };
  skipWaiting(): Promise<void>;
  addEventListener<Event extends Waitable>(name: string, take: (event: Event) => void): void;
};

const { scope } = worker.registration;
const OURS = `vlm-notice-page ${scope} `;
const NAME = OURS + VERSION;
const addresses = new Set(FILES.map((file) => new URL(file, scope).href));

worker.addEventListener("install", (event) => event.waitUntil(keep().then(() => worker.skipWaiting())));
worker.addEventListener("activate", (event) => event.waitUntil(forgetOlder()));
worker.addEventListener<Fetched>("fetch", (event) => {
  const { url, method } = event.request;
  if (method === "GET" && addresses.has(url.replace(/[?#].*$/, ""))) event.respondWith(answer(event.request));
});

async function keep(): Promise<void> {
  const cache = await caches.open(NAME);
  await cache.addAll([...addresses].map((address) => new Request(address, { cache: "no-cache" })));
}

async function forgetOlder(): Promise<void> {
  for (const name of await caches.keys()) if (name.startsWith(OURS) && name !== NAME) await caches.delete(name);
}

async function answer(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await (await caches.open(NAME)).match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}
