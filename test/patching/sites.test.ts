import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseSite, SITES } from "../../src/patching/sites.js";

test("docs/sites.md has every site, and no other", () => {
  const table = readFileSync(new URL("../../docs/sites.md", import.meta.url), "utf8");
  const rows = table.split("\n").filter((line) => line.startsWith("| `"));
  const documented = rows.flatMap((row) => {
    const cells = row.split("|");
    const sites = Array.from(cells[1]!.matchAll(/`([^`]+)`/g), ([, site]) => site!);
    const towers = cells[5]!.trim() === "–" ? ["text", "decoder"] : ["vision", "text", "decoder"];
    return towers.flatMap((tower) => sites.map((site) => `${tower}.${site}`));
  });
  assert.equal(documented.toSorted(), [...SITES].toSorted());
});

test("a site knows its heads and whose tokens it has", () => {
  assert.is(parseSite("text.cross.z").perHead, true);
  assert.is(parseSite("text.cross.out").perHead, false);
  assert.is(parseSite("text.cross.k").tokensOf, "vision");
  assert.is(parseSite("decoder.cross.v").tokensOf, "text");
  assert.is(parseSite("vision.self.pattern").isPattern, true);
});

test("a misspelt site is answered with the nearest", () => {
  assert.throws(() => parseSite("text.cros.z"), /Did you mean text\.cross\.z\?/);
});

test.run();
