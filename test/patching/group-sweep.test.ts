import { test } from "uvu";
import * as assert from "uvu/assert";
import { sweepGroups } from "../../src/patching/group-sweep.js";
import { loadBlip } from "../../src/patching/load-model.js";
import { patch } from "../../src/patching/patch.js";
import type { Selection } from "../../src/patching/selection.js";
import { refused } from "../support/refused.js";
import { NARROW, samplePair } from "../support/samples.js";

test("a group's tokens are patched together, in each layer by itself", async () => {
  using blip = await loadBlip(NARROW);
  using pair = await samplePair(blip, "image");
  const groups = { answer: "answer", two: [1, 2], rest: [0, 3, 4, 5] } as const;
  for (const site of ["text.resid_post", "text.cross.z"] as const) {
    // So little that only few passes go together.
    const found = await sweepGroups(pair, { site, groups }, { direction: "noise", memory: 4e6 });
    assert.equal(Object.keys(found), Object.keys(groups));
    for (const [name, scores] of Object.entries(found)) {
      assert.is(scores.length, blip.config.text.num_hidden_layers);
      for (const [layer, score] of scores.entries()) {
        const position = groups[name as keyof typeof groups];
        const alone = await patch(pair, [{ site, layer, position } as Selection], { direction: "noise" });
        assert.ok(Math.abs(score.logitDiff - alone.logitDiff) < 1e-5, `${name}, layer ${layer}`);
      }
    }
    assert.ok(Math.abs(found.answer[0]!.logitDiff - found.rest[0]!.logitDiff) > 1e-4, "groups differ");
  }
  await refused(() => sweepGroups(pair, { site: "text.resid_post", groups: {} }), "options", "no groups");
  await refused(() => sweepGroups(pair, { site: "text.resid_post", groups: { a: "green" } }), "tokens", "green");
});

test.run();
