import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { scenePair } from "../../playground/scenes.js";
import { START } from "../../playground/state.js";
import { loadModel } from "../../src/patching/load-model.js";
import { sweep } from "../../src/patching/sweep.js";
import { HAS_CHROMIUM, NO_CHROMIUM } from "../support/chromium.js";
import { lacking } from "../support/needed.js";
import { LONG, press, ready, Site, said, saved } from "../support/playground-page.js";
import { ROOT } from "../support/root.js";

// Two models side by side on the built folder, as a person puts them there.

const test = suite("playground-beside");

let site: Site;

test.before(async () => {
  site = await Site.open();
});

test.after(() => site?.close());

const card = (page: Page, number: number) => page.getByRole("article", { name: `Model ${number}, ` });
const cell = (page: Page, number: number, name: string) => card(page, number).getByRole("gridcell", { name });
const shownIn = async (page: Page, number: number, name: string) =>
  Number((await cell(page, number, name).getAttribute("aria-label"))!.split("exactly ")[1]!.replace("−", "-"));
const state = (page: Page) => new URLSearchParams(new URL(page.url()).hash.slice(1));

test("a model of the list is put beside the page's, both are swept, compared over many scenes, and shared", async () => {
  const { page, context, complaints } = await site.visit();
  await ready(page);
  await page.getByLabel("Which model").selectOption("scenes-itm");
  await page.getByText("On this pair the strongest head of scenes is L0H0 (effect 0.25, at “red”)").waitFor(LONG);
  // It is asked in its own form, and its map is the library's.
  const given = scenePair(START.task, START.scene, "match");
  await card(page, 2).getByText(`Sentence: “${given.question}”`).waitFor(LONG);
  await card(page, 2).getByText(`Clean: the model says “${given.answers[0]}”`).waitFor(LONG);
  using model = await loadModel("weights/scenes-itm", { backend: "wasm" });
  using pair = await model.pair(given);
  const scores = await sweep(pair, { site: "text.cross.z" });
  for (const [layer, head] of [
    [0, 0],
    [1, 4],
    [2, 3],
  ] as const) {
    const expected = scores.at("effect", layer, head, pair.answerToken!)!;
    assert.ok(Math.abs((await shownIn(page, 2, `layer ${layer}, head ${head}:`)) - expected) < 1e-3);
  }
  // By keyboard: from the first cell one down and four to the right.
  await cell(page, 2, "layer 0, head 0:").focus();
  for (const key of ["ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight", "Enter"])
    await page.keyboard.press(key);
  await card(page, 2).getByText("L1H4, from").waitFor(LONG);
  await card(page, 2).getByText("Effect 0.16").waitFor(LONG);
  // A head of the first model is the page's own choice.
  await cell(page, 1, "layer 1, head 4:").click();
  await card(page, 1).getByText("L1H4, from “red”").waitFor(LONG);
  // Over many scenes.
  await page.getByLabel("How many scenes").selectOption("12");
  await press(page, "Compare over 12 scenes");
  await said(page, /^The models are compared: the first over \d+ scenes that it answers, the second over \d+\.$/);
  const own = page.getByRole("region", { name: /^What each two have in common/ });
  const row = await own.getByRole("row").nth(1).innerText();
  assert.match(row, /1: attributes, image, text\.cross\.z\s+2: attributes, image, text\.cross\.z/);
  assert.equal(
    ["beside", "besidehead", "over", "head"].map((key) => state(page).get(key)),
    ["scenes-itm", "L1H4", "12", "L1H4"],
  );
  // What is copied, and what is saved.
  await page.getByText("The same from code").click();
  const shell = await page.locator("#code-shell").innerText();
  assert.match(shell, "notice sweep weights/scenes-itm --image clean.png");
  assert.match(
    shell,
    /notice study .*--model weights\/scenes-itm .*--n 12[\s\S]*notice compare runs\/model-1 runs\/model-2/,
  );
  const { beside, comparison } = JSON.parse(readFileSync(await saved(page, "All as JSON"), "utf8"));
  assert.is(beside.question, given.question);
  assert.is(comparison.pairs.length, 1);
  // The address brings all of it back.
  const address = page.url();
  const { page: other } = await site.visit();
  await other.goto(`${address.replace("#", "?again#")}`);
  const again = other.getByRole("region", { name: /^What each two have in common/ });
  await again.waitFor(LONG);
  assert.is(await again.getByRole("row").nth(1).innerText(), row);
  await card(other, 2).getByText("L1H4, from").waitFor(LONG);
  // Another scene is put to both.
  await press(page, "Draw another scene");
  await press(page, "Sweep both models");
  await page.getByText("On this pair the strongest head").waitFor(LONG);
  const { task, scene } = Object.fromEntries(state(page));
  const next = scenePair(task as "attributes", Number(scene), "match");
  await card(page, 2).getByText(`Sentence: “${next.question}”`).waitFor(LONG);
  await press(page, "Close scenes-itm");
  assert.is(await page.getByRole("article", { name: "Model 2" }).count(), 0);
  assert.is(state(page).get("beside"), null);
  assert.equal(complaints, []);
  await context.close();
});

test("own words are asked for in the other model's form", async () => {
  const { page, context, complaints } = await site.visit("#beside=scenes-itm");
  await page.getByText("On this pair the strongest head").waitFor(LONG);
  assert.is(await page.getByText("not of the form that scenes-itm takes").count(), 0);
  await page.getByLabel("Question").fill("is this star green or red?");
  await press(page, "Ask");
  await page.getByText("not of the form that scenes-itm takes").waitFor(LONG);
  const second = card(page, 2);
  await second.getByLabel("Sentence").fill("this star is red.");
  await second.getByLabel("Right answer").selectOption("match");
  await second.getByLabel("The other").selectOption("no match");
  await second.getByRole("button", { name: "Ask" }).click(LONG);
  await second.getByText("Clean: the model says “match”").waitFor(LONG);
  assert.is(state(page).get("besidequestion"), "this star is red.");
  assert.is(state(page).get("besideanswers"), "match,no match");
  assert.equal(complaints, []);
  await context.close();
});

test("a folder of one's own is opened, and stays out of the address; what is none says so", async () => {
  const { page, context, complaints } = await site.visit();
  await ready(page);
  const folder = page.getByLabel("Take a model’s folder of your own");
  await folder.setInputFiles(join(ROOT, "weights/scenes-lm"));
  await page.getByText("that of scenes-lm L3H5 (effect 0.24, at “the last token”)").waitFor(LONG);
  await page.getByText("no head of one is that of the other by name").waitFor(LONG);
  assert.is(state(page).get("beside"), null);
  await folder.setInputFiles(join(ROOT, "docs/pictures"));
  await page.getByText(/pictures is not there: .*config\.json/).waitFor(LONG);
  // The page's own model goes on.
  await press(page, "Sweep again");
  await said(page, "The sweep is done.");
  assert.equal(complaints, []);
  await context.close();
});

test("a comparison can be cancelled; a model that does not come can be opened again", async () => {
  const { page, context } = await site.visit("", { context: { serviceWorkers: "block" } });
  await ready(page);
  let fails = true;
  await page.route("**/models/scenes-caption/model.safetensors", (route) => (fails ? route.abort() : route.continue()));
  await page.getByLabel("Which model").selectOption("scenes-caption");
  await page.getByText(/scenes-caption is not there: .*cannot be loaded/).waitFor(LONG);
  fails = false;
  await press(page, "Open it again");
  await page.getByText("On this pair the strongest head").waitFor(LONG);
  await page.evaluate(`{
    const button = (name) => [...document.querySelectorAll("button")].find(({ textContent }) => textContent === name);
    button("Compare over 24 scenes").click();
    setTimeout(() => button("Cancel").click(), 0);
  }`);
  await said(page, "Cancelled.");
  assert.ok(await page.getByRole("button", { name: "Compare over 24 scenes" }).isEnabled());
  await context.close();
});

test("a name that is no model's, and a list of a stranger's, open nothing", async () => {
  const { page, context, complaints } = await site.visit("#beside=nothing", { context: { serviceWorkers: "block" } });
  await said(page, "There is no model nothing beside this page.");
  await page.route("**/models.json", (route) =>
    route.fulfill({
      json: [
        { name: "scenes", address: "model", from: "<img src=x onerror=alert(1)>" },
        { name: "elsewhere", address: "https://elsewhere.example/", from: "a" },
        { name: "mine", address: "models/scenes-itm", from: "$(alert 1)", does: "<script>alert(1)</script>" },
      ],
    }),
  );
  await page.goto(`${site.address}?list#beside=mine`);
  await page.getByText("On this pair the strongest head").waitFor(LONG);
  assert.equal(await page.getByLabel("Which model").locator("option").allInnerTexts(), [
    "none",
    "mine: <script>alert(1)</script>",
  ]);
  await page.getByText("The same from code").click();
  assert.match(await page.locator("#code-shell").innerText(), "notice sweep '$(alert 1)' --image");
  assert.is(await page.locator("main script, main img[src=x]").count(), 0);
  assert.equal(complaints, []);
  await context.close();
});

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

for (const colorScheme of ["light", "dark"] as const)
  for (const width of [360, 768, 1440])
    test(`two models at ${width} pixels, ${colorScheme}: axe finds nothing serious, nothing overflows`, async () => {
      const { page, context } = await site.visit("#beside=scenes-lm&over=12", {
        context: { viewport: { width, height: 900 }, colorScheme },
      });
      await page.getByText("Run 1 is scenes").waitFor(LONG);
      assert.is(await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"), 0);
      const [one, two] = [(await card(page, 1).boundingBox())!, (await card(page, 2).boundingBox())!];
      assert.is(one.y === two.y, width > 360, "side by side where there is room");
      await page.evaluate(readFileSync(AXE, "utf8"));
      const { violations } = await page.evaluate<{ violations: { id: string; impact: string }[] }>("axe.run()");
      assert.equal(
        violations.filter(({ impact }) => impact === "serious" || impact === "critical").map(({ id }) => id),
        [],
      );
      await context.close();
    });

if (HAS_CHROMIUM) test.run();
else lacking("browser", NO_CHROMIUM);
