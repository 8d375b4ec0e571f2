import { test } from "uvu";
import * as assert from "uvu/assert";
import * as inPage from "../../src/report/raster-files.browser.js";
import { refused } from "../support/refused.js";

/** A page whose server answers so. */
async function answering<Result>(response: Response, work: () => Promise<Result>): Promise<Result> {
  const real = globalThis.fetch;
  globalThis.fetch = async () => response;
  try {
    return await work();
  } finally {
    globalThis.fetch = real;
  }
}

test("a page's files for a PNG come from its server; a page in their place is none", async () => {
  const bytes = Uint8Array.of(0, 97, 115, 109);
  assert.equal(await answering(new Response(bytes), inPage.rasteriserWasm), bytes);
  for (const wrong of [
    new Response("", { status: 404 }),
    new Response("<html></html>", { headers: { "content-type": "text/html; charset=utf-8" } }),
  ])
    await refused(() => answering(wrong, inPage.rasteriserWasm), "network", "is not there; a PNG needs it");
});

test.run();
