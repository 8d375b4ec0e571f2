import { test } from "uvu";
import * as assert from "uvu/assert";
import { findCircuit, type HeadScores, universality } from "../../src/patching/circuits.js";
import type { Metric } from "../../src/patching/metrics.js";
import type { Site } from "../../src/patching/sites.js";
import { basis, finding } from "../../src/report/finding.js";
import type { ReportData, SiteCircuit } from "../../src/report/report-data.js";
import { headlines, type RuledCircuit } from "../../src/study/ruled.js";
import type { Modality } from "../../src/study/settings.js";
import { reportData } from "../support/report-data.js";

interface Told {
  readonly datasets: readonly string[];
  readonly modalities: readonly Modality[];
  readonly site: Site;
  readonly metric: Metric;
  /** A head's scores by sample, of two layers of nine heads; all others have none to speak of. */
  readonly heads: Readonly<Record<string, readonly number[]>>;
  readonly rules: readonly RuledCircuit[];
}

const TOLD: Told = {
  datasets: ["faces", "actions"],
  modalities: ["image"],
  site: "text.cross.z",
  metric: "effect",
  heads: { "0.1": [0.5, 0.7] },
  rules: [],
};

/** A run by hand. */
function told(given: Partial<Told> = {}): ReportData {
  const { datasets, modalities, site, metric, heads, rules } = { ...TOLD, ...given };
  const samples = Object.values(heads)[0]?.length ?? 2;
  const scores = Array.from(
    { length: samples },
    (_, sample): HeadScores =>
      [0, 1].map((layer) => Array.from({ length: 9 }, (_, head) => heads[`${layer}.${head}`]?.[sample] ?? 0)),
  );
  const circuit = findCircuit(scores, { resamples: 200 });
  const circuits = datasets.flatMap((dataset) =>
    modalities.map(
      (modality): SiteCircuit => ({
        ...{ dataset, modality, site, metric, circuit, layers: 2, heads: 9, unplaced: 0 },
      }),
    ),
  );
  const names = circuits.map((one) => ({ name: `${one.dataset} ${one.modality}`, circuit }));
  return {
    ...reportData(),
    ...{ circuits, tokenMaps: [], verified: [], universality: [{ site, universality: universality(names) }] },
    ...{ rules, headlines: headlines(rules) },
  };
}

const RULED: RuledCircuit = {
  ...{ dataset: "faces", modality: "image", rule: "minimal", heads: ["text.cross.z:L0H1"], size: 3, of: 18 },
  ...{ found_on: 12, tested_on: 9, kept: 0.8849, kept_low: 0.8512, kept_high: 0.961, removed: 0.1, no_head: 0.05 },
  ...{ random: 0.2, random_sets: 20, p_value: 1 / 21, cpr: 0.77, cmd: 0.23 },
};

test("three sentences: how much which heads carry, which are shared, what takes other ways", () => {
  const rules = [RULED, { ...RULED, dataset: "actions", kept: 0.91, size: 1 }];
  assert.equal(finding(told({ rules })), [
    "Where the picture is exchanged, 3 of 18 heads carry 88% [85, 96] of the answer on faces (random 20%, p = 1/21); " +
      "1 carries 91% [85, 96] on actions (random 20%, p = 1/21).",
    "L0H1 (text.cross.z) is in both circuits (2 data sets, 1 corruption); put back alone, it moves the answer by 60% [50, 70] on faces to 60% [50, 70] on actions.",
    "Without any of the 18 heads there is left 5% on faces and 5% on actions: so much takes other ways.",
  ]);
});

test("a head in one data set is told of once", () => {
  const [, shared] = finding(told({ rules: [RULED], datasets: ["faces"], modalities: ["image", "text"] }));
  assert.match(shared!, /put back alone, it moves the answer by 60% \[50, 70\] on faces\.$/);
});

test("the last sentence tells of the other corruption where there is one", () => {
  const around = { ...RULED, modality: "text", no_head: 0.97 } as const;
  const rules = [RULED, around, { ...around, dataset: "actions", no_head: 0.99 }];
  const [, , last] = finding(told({ rules, modalities: ["image", "text"] }));
  assert.is(
    last,
    "Where words of the text are exchanged, without any of the 18 heads 97% to 99% of the answer is left on faces and actions: " +
      "it does not pass through them.",
  );
});

test("where no small circuit carries enough, the best is told, and not as if it did", () => {
  const low = { ...RULED, kept: 0.8499 };
  const [said] = finding(told({ rules: [low], datasets: ["faces"] }));
  assert.is(
    said,
    "Where the picture is exchanged, on faces no set of fewer than half of the 18 heads carries 85%: " +
      "the best 3 carry 84.9% [85, 96] (random 20%, p = 1/21).",
  );
});

test("what chance does as well, and an interval that reaches 0, show nothing", () => {
  const chance = { ...RULED, p_value: 0.0952, random: 0.81 };
  const wide = { ...RULED, dataset: "actions", kept: 1.04, kept_low: -0.58, kept_high: 3.17, size: 1 };
  const [said] = finding(told({ rules: [chance, wide] }));
  assert.is(
    said,
    "Where the picture is exchanged, nothing is shown on faces (3 heads: 88% [85, 96], random 81%, p = 0.095) " +
      "and actions (1 head: 104% [−58, 317], random 20%, p = 1/21).",
  );
  const large = { ...RULED, size: 9, p_value: null };
  const empty = { ...RULED, dataset: "actions", size: 0, kept: 0.05, heads: [], p_value: null, random: null };
  assert.is(
    finding(told({ rules: [large, empty] }))[0],
    "Where the picture is exchanged, nothing is shown on faces (no set of fewer than half of the 18 heads carries 85%) " +
      "and actions (no rule finds a head).",
  );
});

test("one pair gives no interval, and shows nothing", () => {
  const one = { ...RULED, tested_on: 1, kept_low: 0.8849, kept_high: 0.8849 };
  const [said] = finding(told({ rules: [one], datasets: ["faces"], heads: { "0.1": [0.5] } }));
  assert.match(said!, /nothing is shown on faces \(3 heads: 88% of one pair, random 20%, p = 1\/21\)\.$/);
});

test("nothing found: no head in any circuit, and no test of one", () => {
  assert.equal(finding(told({ heads: { "0.1": [0, 0] } })), [
    "Where the picture is exchanged, on faces no head stands out from the others; on actions no head stands out from the others.",
    "No head stands out in any circuit.",
    "No set of heads was tested on other pairs, so what these heads carry is not known.",
  ]);
  assert.equal(finding({ ...told(), circuits: [] }), [
    "Nothing was patched yet, so there is nothing to say of any head.",
  ]);
});

test("a circuit that was not tested is named, and said to be untested", () => {
  const [said, shared] = finding(told({ datasets: ["faces"] }));
  assert.is(said, "Where the picture is exchanged, on faces L0H1 (text.cross.z) stands out, tested on no other pair.");
  assert.is(shared, "There is one circuit, so no head can be called universal; in it: L0H1 (text.cross.z).");
});

test("of a decoder-only model's and a captioning model's run: the sites are the run's, and so is the metric", () => {
  const decoder = finding(told({ site: "text.self.z", metric: "logitDiff", heads: { "1.8": [1.5, 2.5] } }));
  assert.match(
    decoder[1]!,
    /^L1H8 \(text\.self\.z\) is in both .* moves the answer by 2\.00 \[1\.50, 2\.50\] \(logitDiff\) on faces/,
  );
  assert.match(finding(told({ site: "decoder.cross.z" }))[1]!, /^L0H1 \(decoder\.cross\.z\)/);
});

test("no head in all circuits: those in most are named, and not called universal", () => {
  const data = told({ modalities: ["image", "text"] });
  const [one] = data.universality;
  const names = [...one!.universality.names, "another"];
  const [, shared] = finding({ ...data, universality: [{ ...one!, universality: { ...one!.universality, names } }] });
  assert.match(
    shared!,
    /^No head is in all 5 circuits \(2 data sets, 2 corruptions\); in 4: L0H1 \(text\.cross\.z\); put back alone/,
  );
});

test("where each head is in one circuit alone, none is shared", () => {
  const data = told();
  const [one] = data.universality;
  const [head] = one!.universality.heads;
  const universality = { ...one!.universality, heads: [{ ...head!, circuits: ["faces image"] }] };
  assert.is(
    finding({ ...data, universality: [{ ...one!, universality }] })[1],
    "No head is in two of the 2 circuits (2 data sets, 1 corruption); in one: L0H1 (text.cross.z).",
  );
});

test("results of before the stage `rules` are told without an interval", () => {
  const [verified] = reportData().verified;
  const [said] = finding({ ...told({ datasets: ["faces"] }), verified: [{ ...verified!, dataset: "faces" }] });
  assert.is(
    said,
    "Where the picture is exchanged, on faces the circuit of 2 of 36 heads carries 41% on 19 other pairs (random 6%, p = 0.20).",
  );
});

test("what it rests on: questions, their accuracy with Wilson's interval, samples, what was left out", () => {
  // By hand, for 409 of 450: (0.90889 + 0.00427 ± 1.96 * 0.01374) / 1.00854, which is 0.8787 to 0.9321.
  const rests =
    "Patched: 180 samples of 3 data sets; left out: 10. Of 450 questions the model answers 409 correctly, 91% [88, 93].";
  assert.is(basis(reportData()), rests);
  const nothing = basis({ ...reportData(), datasets: [] });
  assert.is(nothing, "Patched: 0 samples of 0 data sets; left out: 0. Of 0 questions the model answers 0 correctly.");
  const rules = [RULED, { ...RULED, dataset: "actions", tested_on: 11 }];
  assert.match(
    basis(told({ rules })),
    /Circuits were tested on 9 to 11 pairs of each data set.* 95% intervals\. 1\/21 is the smallest p that 20 random sets can give\.$/,
  );
  const more = { ...RULED, dataset: "actions", random_sets: 1000, p_value: 1 / 1001 };
  assert.match(
    basis(told({ rules: [RULED, more] })),
    /1\/21 is the smallest p that 20 random sets can give and 1\/1001 is the smallest p that 1000 random sets can give\.$/,
  );
  assert.match(finding(told({ rules: [more] }))[0]!, /random 20%, p = 1\/1001\)/);
  const few = told({ rules: [{ ...RULED, random_sets: 10, p_value: 1 / 11 }] });
  assert.match(basis(few), /1\/11 is the smallest p that 10 random sets can give, and no finding; give 20 or more\.$/);
  const worse = told({ rules: [{ ...RULED, p_value: 2 / 21 }] });
  assert.match(basis(worse), / 95% intervals\.$/);
});

test.run();
