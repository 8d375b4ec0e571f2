/** The browser of the tests that need one: where NOTICE_CHROMIUM names it, it must be there. */
export const CHROMIUM = process.env.NOTICE_CHROMIUM ?? "/usr/bin/chromium";

export const CHROMIUM_FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
