import * as tf from "@tensorflow/tfjs-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { randomModel, randomPair, seeded } from "../../bench/random-model.js";
import { towerSize } from "../../src/model/architecture.js";
import type { Pair } from "../../src/patching/pair.js";
import { patch } from "../../src/patching/patch.js";
import { hasPath, patchPath, type Receiver, type Sender } from "../../src/patching/paths.js";
import type { ReadSite } from "../../src/patching/sites.js";
import { useBackend } from "../../src/platform/backend.js";
import { auroc } from "../support/auroc.js";
import { siteOf } from "../support/blip-vqa.js";
import { plant } from "../support/planted.js";
import { refused } from "../support/refused.js";

test.before(async () => {
  await useBackend();
});

const near = (found: number | null, expected: number, what: string, tolerance = 1e-4) =>
  assert.ok(Math.abs(found! - expected) <= tolerance, `${what}: ${found} where ${expected} was expected`);

const READ = ["self.q", "self.k", "self.v", "cross.q", "cross.k", "cross.v"];

/** Everything in the three towers that heads read. */
function allRead({ model }: Pair): { site: ReadSite; layer: number }[] {
  return (["vision", "text", "decoder"] as const).flatMap((tower) =>
    READ.filter((within) => tower !== "vision" || within.startsWith("self.")).flatMap((within) =>
      Array.from({ length: towerSize(model, tower).layers }, (_, layer) => ({
        site: `${tower}.${within}` as ReadSite,
        layer,
      })),
    ),
  );
}

/** Where paths of the senders end. */
const reached = (pair: Pair, senders: readonly Sender[], mediated = false): Receiver[] =>
  [...allRead(pair), "answer" as const].filter((to) => senders.some((from) => hasPath(pair, from, to, { mediated })));

async function anyPair(mode: "image" | "text"): Promise<Pair> {
  const random = seeded(6);
  const model = await randomModel({ heads: 2, headDim: 6, visionLayers: 2, textLayers: 3, mlp: 11, grid: 2 }, random);
  return randomPair(model, mode, 4, random);
}

for (const mediated of [false, true])
  test(`paths to all receivers are the plain patch${mediated ? ", with the heads between" : ""}`, async () => {
    using pair = await anyPair("image");
    for (const direction of ["denoise", "noise"] as const)
      for (const sender of [
        { site: "vision.self.z", layer: 0, head: 1 },
        { site: "text.cross.z", layer: 0, head: 0, position: 2 },
        { site: "text.self.z", layer: 1 },
        { site: "text.mlp.out", layer: 0 },
        { site: "decoder.cross.z", layer: 1, head: 1 },
      ] satisfies Sender[]) {
        const plain = await patch(pair, [sender], { direction });
        const all = await patchPath(pair, [sender], reached(pair, [sender], mediated), { direction, mediated });
        near(all.logitDiff, plain.logitDiff, `${sender.site} ${direction}`, 1e-5);
        near(all.prob, plain.prob, sender.site, 1e-6);
      }
  });

test("senders of several layers send together, whichever is named first", async () => {
  using pair = await anyPair("image");
  const senders = [
    { site: "text.cross.z", layer: 2, head: 1 },
    { site: "text.cross.z", layer: 0 },
  ] satisfies Sender[];
  const plain = await patch(pair, senders);
  const lone = await patch(pair, [senders[0]!]);
  assert.ok(Math.abs(plain.logitDiff - lone.logitDiff) > 1e-3, "the first layer's matters");
  for (const order of [senders, senders.toReversed()]) {
    const all = await patchPath(pair, order, reached(pair, order));
    near(all.logitDiff, plain.logitDiff, order[0]!.site, 1e-5);
  }
});

test("a layer's input cuts every path that passes it", async () => {
  using pair = await anyPair("image");
  const sender: Sender = { site: "text.cross.z", layer: 0, head: 0 };
  const plain = await patch(pair, [sender]);
  near(
    (await patchPath(pair, [sender], [{ site: "text.resid_pre", layer: 1 }])).logitDiff,
    plain.logitDiff,
    "next",
    1e-5,
  );
  const later = { site: "text.resid_pre", layer: 2 } as const;
  near((await patchPath(pair, [sender], [later], { mediated: true })).logitDiff, plain.logitDiff, "mediated", 1e-5);
  const direct = await patchPath(pair, [sender], [later]);
  assert.ok(Math.abs(direct.logitDiff - plain.logitDiff) > 1e-4, "the heads between add nothing");
});

test("a path that leads backwards, or to an answer that the sender does not reach, is refused and the way named", async () => {
  using pair = await anyPair("image");
  const sender: Sender = { site: "text.cross.z", layer: 1 };
  const last = "text.resid_pre, text.self.q, text.self.k, text.self.v or text.cross.q in layer 2";
  const ways = `Such paths from there lead to ${last}; decoder.cross.k or decoder.cross.v in layers 0 to 2.`;
  const nowhere: [Sender, Receiver, string][] = [
    [sender, { site: "text.cross.q", layer: 1 }, "text.cross.q is computed first."],
    [sender, { site: "text.self.v", layer: 0 }, "text.self.v is computed first."],
    [sender, { site: "vision.self.q", layer: 1 }, "vision.self.q is computed first."],
    [sender, { site: "decoder.cross.q", layer: 0 }, "decoder.cross.q is not made of it."],
    [sender, { site: "decoder.cross.q", layer: 1 }, "only heads between them carry it there."],
    [sender, "answer", "only heads between them carry it there."],
  ];
  for (const [from, to, why] of nowhere) {
    await refused(() => patchPath(pair, [from], [to]), "site", "text.cross.z in layer 1 to", why, ways);
    assert.is(hasPath(pair, from, to), false);
  }
  const picture = { site: "vision.self.z", layer: 0 } as const;
  await refused(() => patchPath(pair, [picture], ["answer"]), "site", "text.cross.k or text.cross.v in layers 0 to 2");
  const apart = { site: "text.self.q", layer: 2, position: 1 } as const;
  await refused(
    () => patchPath(pair, [{ ...sender, position: 0 }], [apart]),
    "site",
    "A direct path stays at its position",
  );
  const lone = { site: "decoder.self.q", layer: 1 } as const;
  await refused(() => patchPath(pair, [{ site: "decoder.cross.z", layer: 0 }], [lone]), "site", "leads to no answer");
});

test("each of several senders and receivers needs a path of its own", async () => {
  using pair = await anyPair("image");
  const [early, late] = [0, 2].map((layer) => ({ site: "text.cross.z", layer }) as const) as [Sender, Sender];
  const between: Receiver = { site: "text.self.q", layer: 1 };
  const after: Receiver = { site: "decoder.cross.v", layer: 0 };
  await refused(() => patchPath(pair, [early, late], [between]), "site", "from text.cross.z in layer 2 to text.self.q");
  await refused(() => patchPath(pair, [late], [after, between]), "site", "to text.self.q in layer 1");
  await patchPath(pair, [early, late], [between, after]);
});

// In what a planted circuit's heads say to each other there is one path, and it carries everything.

/** Every receiver of a tower, a head at a time, and the answer. */
function receivers(pair: Pair, tower: string): Receiver[] {
  const places = allRead(pair).filter(({ site }) => siteOf(site).tower === tower);
  const heads = places.flatMap((place) =>
    Array.from({ length: towerSize(pair.model, siteOf(place.site).tower).heads }, (_, head) => ({ ...place, head })),
  );
  return [...heads, "answer"];
}

for (const [name, sender, site] of [
  ["sequence", 0, "text.cross.q"],
  ["sequence", 1, "decoder.cross.v"],
  ["selfAfterCross", 0, "text.self.v"],
  ["vision", 0, "text.cross.v"],
] as const)
  test(`${name}: from head ${sender} the path to ${site} carries everything, every other path nothing`, async () => {
    using planted = await plant(name);
    const { pair, heads } = planted;
    const { layer, head } = heads[sender + 1]!;
    const scored = [];
    for (const to of receivers(pair, siteOf(site).tower)) {
      const from = heads[sender]!;
      const score = hasPath(pair, from, to) ? (await patchPath(pair, [from], [to])).effect! : 0;
      const positive = to !== "answer" && to.site === site && to.layer === layer && to.head === head;
      near(score, positive ? 1 : 0, `${JSON.stringify(to)}`);
      scored.push({ score, positive });
    }
    assert.is(auroc(scored), 1);
  });

test("through a head between: only with the heads between", async () => {
  using planted = await plant("sequence");
  const { pair, heads } = planted;
  const reader: Receiver = { site: "decoder.cross.v", layer: heads[2]!.layer, head: heads[2]!.head };
  near((await patchPath(pair, [heads[0]!], [reader])).effect, 0, "direct");
  near((await patchPath(pair, [heads[0]!], [reader], { mediated: true })).effect, 1, "mediated");
});

test("what cannot send or receive", async () => {
  using pair = await anyPair("text");
  const before = tf.memory().numTensors;
  const sender: Sender = { site: "text.self.z", layer: 0 };
  await refused(() => patchPath(pair, [], ["answer"]), "options", "senders and receivers");
  await refused(() => patchPath(pair, [sender], []), "options", "senders and receivers");
  await refused(
    () => patchPath(pair, [{ site: "text.self.q", layer: 0 } as unknown as Sender], ["answer"]),
    "site",
    "text.self.q is read",
  );
  await refused(
    () => patchPath(pair, [sender], [{ site: "text.self.z", layer: 1 } as unknown as Receiver]),
    "site",
    "cannot receive",
  );
  await refused(() => patchPath(pair, [sender], [{ site: "text.self.q", layer: 3 }]), "site", "no layer 3");
  await refused(
    () => hasPath(pair, sender, { site: "text.self.z", layer: 1 } as unknown as Receiver),
    "site",
    "receive",
  );
  await refused(() => hasPath(pair, sender, "answer", { mediate: true } as never), "options", "Did you mean mediated?");
  await patchPath(pair, [sender], [{ site: "text.self.q", layer: 1 }]);
  assert.is(tf.memory().numTensors, before);
});

test.run();
