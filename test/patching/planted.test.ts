import { test } from "uvu";
import * as assert from "uvu/assert";
import type { HeadAt } from "../../src/patching/head-place.js";
import { patch } from "../../src/patching/patch.js";
import { sweep } from "../../src/patching/sweep.js";
import { auroc } from "../support/auroc.js";
import { CIRCUIT_SITES } from "../support/blip-vqa.js";
import { CIRCUITS, type CircuitName, plant } from "../support/planted.js";

const NAMES = Object.keys(CIRCUITS) as CircuitName[];
/** Their heads pull in opposite directions. */
const OPPOSED: CircuitName[] = ["negative", "cancelling"];

/** What a patch takes of a planted head. */
const placeOf = ({ site, layer, head }: HeadAt) => ({ site, layer, head });

for (const name of NAMES) {
  test(`${name}: each planted head restores all of the answer, every other head nothing`, async () => {
    using planted = await plant(name);
    const { pair, heads, all } = planted;
    for (const place of all) {
      const { effect } = await patch(pair, [placeOf(place)]);
      const what = `${place.site} L${place.layer}H${place.head}: ${effect}`;
      if (!place.positive) assert.ok(Math.abs(effect!) <= 1e-5, what);
      else if (!OPPOSED.includes(name) || place.site.startsWith("decoder"))
        assert.ok(Math.abs(effect! - 1) <= 1e-4, what);
    }
    assert.ok(Math.abs((await patch(pair, heads.map(placeOf))).effect! - 1) <= 1e-5);
    const others = all.filter(({ positive }) => !positive);
    assert.ok(Math.abs((await patch(pair, others.map(placeOf))).effect!) <= 1e-5);
  });

  test(`${name}: among heads that write noise, exact patching tells the planted ones apart`, async () => {
    for (const seed of [1, 2]) {
      using planted = await plant(name, 0.1, seed);
      const { pair, all } = planted;
      const tables = new Map(
        await Promise.all(
          CIRCUIT_SITES.map(async (site) => [site, await sweep(pair, { site, together: true })] as const),
        ),
      );
      const scored = all.map(({ site, layer, head, positive }) => ({
        positive,
        score: Math.abs(tables.get(site)!.at("effect", layer, head)!),
      }));
      assert.is(auroc(scored), 1, `seed ${seed}`);
    }
  });
}

test("negative: one head overshoots, the other takes back as much", async () => {
  using planted = await plant("negative");
  const { pair, heads } = planted;
  const [positive, negative] = [(await patch(pair, [heads[0]!])).effect!, (await patch(pair, [heads[1]!])).effect!];
  assert.ok(positive > 1.2 && negative < -0.2, `${positive} and ${negative}`);
  assert.ok(Math.abs(positive + negative - 1) <= 1e-4, `${positive} and ${negative}`);
});

test("twins: either suffices, so taking away one of them does nothing", async () => {
  using planted = await plant("twins");
  const { pair, heads } = planted;
  const [one, other] = heads as [(typeof heads)[0], (typeof heads)[0]];
  for (const twin of [one, other])
    assert.ok(Math.abs((await patch(pair, [twin], { direction: "noise" })).effect!) <= 1e-4);
  assert.ok(Math.abs((await patch(pair, [one, other], { direction: "noise" })).effect! - 1) <= 1e-4);
});

test.run();
