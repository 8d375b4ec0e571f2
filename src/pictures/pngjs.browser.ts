import pngjs from "pngjs/browser.js";

/** pngjs with its own stand-ins for Node's Buffer and zlib. */
export const { PNG } = pngjs;
