// pngjs.browser.ts stands in its place in a browser (see platform.ts).
export { PNG } from "pngjs";
