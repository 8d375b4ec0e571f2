import { test } from "uvu";
import * as assert from "uvu/assert";
import { headCards } from "../../src/report/cards.js";
import { endsOf, othersOn } from "../../src/report/clearest.js";
import { reportData } from "../support/report-data.js";

const factsOf = (data: ReturnType<typeof reportData>) =>
  headCards(data)[0]!.facts.map((fact) => fact.join(": ").replaceAll("\u00A0", " "));

test("a card says what its head keeps alone, under the first corruption that it was tested under", () => {
  const data = reportData();
  assert.is(headCards(data)[0]!.title, "L2H1, text.cross.z");
  assert.ok(factsOf(data).includes("keeps alone, attributes: 34% [28, 40]; no head 2%"), factsOf(data).join("\n"));
  const [one] = data.alone!;
  const more = [
    one!,
    { ...one!, modality: "text", kept: 0.9 },
    { ...one!, head: 2 },
    { ...one!, dataset: "faces" },
  ] as const;
  assert.equal(
    factsOf({ ...data, alone: more }).filter((fact) => fact.startsWith("keeps alone")),
    ["attributes", "faces"].map((dataset) => `keeps alone, ${dataset}: 34% [28, 40]; no head 2%`),
  );
});

test("a head that was not tested keeps nothing that a card could say", () => {
  assert.not(factsOf({ ...reportData(), alone: [] }).some((fact) => fact.startsWith("keeps alone")));
});

test("the clearest picture is one on which the head matters; where there is none, the card says so", () => {
  const pictures = [
    { by: 0.95, effect: 0.01 },
    { by: 0.9, effect: 0.3 },
    { by: 0.8, effect: 0.6 },
    { by: 0.7, effect: null },
  ];
  const chosen = (all: typeof pictures) => endsOf(all).map(({ what, of }) => [what, of.by]);
  assert.equal(chosen(pictures), [
    ["clearest", 0.9],
    ["counter-example", 0.7],
  ]);
  assert.equal(chosen([pictures[0]!, pictures[3]!]), [["counter-example", 0.7]]);
  assert.equal(chosen([pictures[1]!]), [["clearest", 0.9]]);
  const data = reportData();
  assert.is(headCards(data)[0]!.unclear, undefined);
  const unclear = (looked: number) => {
    const [shared] = data.shared;
    const rest = shared!.pictures.filter(({ what }) => what !== "clearest");
    return headCards({ ...data, shared: [{ ...shared!, looked, pictures: rest }] })[0]!.unclear;
  };
  assert.is(
    unclear(12),
    "On none of the 12 pictures that were looked at does it bring back 5% of the answer: no picture shows it clearly.",
  );
  assert.is(
    unclear(1),
    "On the one picture that was looked at it does not bring back 5% of the answer: no picture shows it clearly.",
  );
  assert.is(unclear(0), undefined);
});

test("a head is compared with all others and not with itself", () => {
  const effects = [
    [0.5, 0.1, null],
    [0.2, -0.1, 0.3],
  ];
  assert.equal(othersOn(effects, { layer: 0, head: 0 }), [-0.1, 0.3]);
  assert.equal(othersOn(effects, { layer: 1, head: 1 }), [0.1, 0.5]);
  assert.is(othersOn([[0.5, 0.1]], { layer: 0, head: 0 }), null);
});

test.run();
