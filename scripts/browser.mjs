import { bundle, path } from "./bundle.mjs";

// `vlm-notice/browser` as files that a page takes without a bundler, and the worker that `openWorker` starts, in one
// piece wherever it stands: dist/browser, which finds dist/wasm beside it.

await bundle(["src/browser.ts"], path("dist/browser"), { entryNames: "index" });
await bundle(["src/executors/browser/worker.ts"], path("dist/browser"), {
  splitting: true,
  chunkNames: "[name]-[hash]",
});
