import { existsSync } from "node:fs";

/** The browser of the tests that need one. */
export const CHROMIUM = process.env.NOTICE_CHROMIUM ?? "/usr/bin/chromium";

/** Where NOTICE_CHROMIUM names it, it must be there. */
export const HAS_CHROMIUM = existsSync(CHROMIUM) || process.env.NOTICE_CHROMIUM !== undefined;

export const NO_CHROMIUM = `there is no ${CHROMIUM}, and NOTICE_CHROMIUM names no other`;

export const CHROMIUM_FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
