import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadBlip } from "../../src/patching/load-model.js";
import { SITES, type Site } from "../../src/patching/sites.js";
import { siteOf } from "../support/blip-vqa.js";
import { FIXTURES, readJson } from "../support/fixture.js";

/**
 * The rows of docs/sites.md: sites by their names within a tower, the towers that have them, and the letters of their
 * shape.
 */
function documented(): { site: Site; letters: string[] }[] {
  const table = readFileSync("docs/sites.md", "utf8");
  const rows = table.split("\n").filter((line) => /^\| `[^|]+\| \[/.test(line));
  return rows.flatMap((row) => {
    const cells = row.split("|").map((cell) => cell.trim());
    const towers = cells[5] === "–" ? ["text", "decoder"] : ["vision", "text", "decoder"];
    const letters = cells[2]!.slice(1, -1).split(", ");
    const within = Array.from(cells[1]!.matchAll(/`([^`]+)`/g), ([, name]) => name!);
    return towers.flatMap((tower) => within.map((name) => ({ site: `${tower}.${name}` as Site, letters })));
  });
}

test("docs/sites.md has every site, and no other", () => {
  assert.equal(
    documented()
      .map(({ site }) => site)
      .toSorted(),
    [...SITES].toSorted(),
  );
});

test("docs/sites.md has the shape that a run gives, at every site", async () => {
  using blip = await loadBlip(join(FIXTURES, "wide"));
  using run = await blip.run({ image: join(FIXTURES, "wide/clean.png"), question: "is it red?" });
  const config = (tower: "vision_config" | "text_config") =>
    readJson<Record<"vision_config" | "text_config", Record<string, number>>>(join(FIXTURES, "wide/config.json"))[
      tower
    ];
  const { image_size, patch_size } = config("vision_config");
  const tokens = {
    vision: 1 + (image_size! / patch_size!) ** 2,
    text: blip.question("is it red?").ids.length,
    decoder: 1,
  };
  const attended = { vision: 0, text: tokens.vision, decoder: tokens.text };
  for (const { site, letters } of documented()) {
    const tower = siteOf(site).tower as keyof typeof tokens;
    const {
      hidden_size: W,
      num_attention_heads: H,
      intermediate_size: M,
    } = config(tower === "vision" ? "vision_config" : "text_config");
    const sizes: Record<string, number> = { T: tokens[tower], C: attended[tower], H: H!, D: W! / H!, W: W!, M: M! };
    const value = run.at(site, { layer: 0 });
    assert.equal(
      value.shape,
      letters.map((letter) => sizes[letter]),
      site,
    );
    value.dispose();
  }
});

test("a site knows its heads and whose tokens it has", () => {
  assert.is(siteOf("text.cross.z").perHead, true);
  assert.is(siteOf("text.cross.out").perHead, false);
  assert.is(siteOf("text.cross.k").tokensOf, "vision");
  assert.is(siteOf("decoder.cross.v").tokensOf, "text");
  assert.is(siteOf("vision.self.pattern").isPattern, true);
});

test("a misspelt site is answered with the nearest", () => {
  assert.throws(() => siteOf("text.cros.z"), /Did you mean text\.cross\.z\?/);
});

test("what is no text is no site, whatever it is", () => {
  for (const given of [undefined, null, 3, ["text.cross.z"], Object.create(null), [[Object.create(null)]]])
    assert.throws(
      () => siteOf(given as never),
      (error: Error) =>
        /^There is no site "(undefined|object|number)"\. .* A site is vision, text or decoder/.test(error.message),
    );
});

test("TransformerLens's names are answered with ours, at the layer that they name", () => {
  for (const [name, meant] of [
    ["blocks.0.attn.hook_z", "text.self.z with { layer: 0 }"],
    ["blocks.11.hook_resid_post", "text.resid_post with { layer: 11 }"],
    ["blocks.2.mlp.hook_post", "text.mlp.post with { layer: 2 }"],
    ["blocks.2.hook_mlp_out", "text.mlp.out with { layer: 2 }"],
  ] as const)
    assert.throws(
      () => siteOf(name as never),
      (error: Error) => error.message.includes(`Did you mean ${meant}?`),
    );
  assert.throws(() => siteOf("blocks.0.hook_constructor" as never), /Did you mean \w+\.[a-z._]+\?/);
});

test.run();
