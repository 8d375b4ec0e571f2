import type { Page } from "playwright-core";

/** Opens what is folded and scrolls past every figure until it is drawn. */
export async function drawAll(page: Page): Promise<void> {
  await page.locator("details").evaluateAll((all) => {
    for (const one of all) one.setAttribute("open", "");
  });
  for (const plot of await page.locator("[data-figure]").all()) {
    await plot.scrollIntoViewIfNeeded();
    await plot.locator("svg").waitFor();
  }
}
