import { CACHE } from "./model-files.js";

// What the browser keeps of the page: its model, and in the folder that `npm run playground` makes its files.

/** A folder names its service worker; `notice playground` has none, whose server is on this machine. */
const script = () => document.querySelector<HTMLMetaElement>('meta[name="offline"]')?.content;

/** Keeps the page's files. @returns whether they are kept now */
export async function keepOffline(): Promise<boolean> {
  const address = script();
  if (address === undefined || !("serviceWorker" in navigator)) return false;
  try {
    await navigator.serviceWorker.register(address);
    await navigator.serviceWorker.ready;
    return true;
  } catch {
    // Where storage is denied the page says so of its model.
    return false;
  }
}

/** Keeps nothing any more. */
export async function forget(): Promise<void> {
  const registration = await navigator.serviceWorker?.getRegistration();
  await registration?.unregister();
  const files = `vlm-notice-page ${registration?.scope} `;
  for (const name of await caches.keys()) if (name === CACHE || name.startsWith(files)) await caches.delete(name);
}
