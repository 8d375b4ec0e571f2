import { bundle, path } from "./bundle.mjs";

// `vlm-notice/browser` as files that a page takes without a bundler, and the worker that `openWorker` starts, in one
// piece wherever it stands: dist/browser, which finds dist/wasm beside it.

const to = path("dist/browser");
await bundle(["src/browser.ts"], to, { entryNames: "index" });
// The JPEG decoder asks for both in Node alone.
await bundle(["src/executors/browser/worker.ts"], to, {
  splitting: true,
  chunkNames: "[name]-[hash]",
  external: ["fs", "path"],
});
