import { test } from "uvu";
import * as assert from "uvu/assert";
import { headCards } from "../../src/report/cards.js";
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

test.run();
