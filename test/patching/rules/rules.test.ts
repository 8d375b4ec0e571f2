import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Evidence, HeadSet, HeadTable } from "../../../src/patching/rules/rule.js";
import { findBy, type RuleName, remembering } from "../../../src/patching/rules/rules.js";
import { refused } from "../../support/refused.js";

/** Evidence in which every score is this, and a set keeps what `keep` says of it. */
function evidence(table: HeadTable, keep: (set: HeadSet) => number = () => 1, more: Partial<Evidence> = {}): Evidence {
  return {
    heads: table[0]!.map((_, head) => ({ site: "text.cross.z", layer: 0, head })),
    scores: { prob: table, probDiff: table, logitDiff: table, effect: table },
    effects: table,
    keep: async (sets) => sets.map(keep),
    ...more,
  };
}

const circuit = async (name: RuleName, of: Evidence) => (await findBy(name, of))!.circuit;

/** Each head is worth so much, whatever else is there. */
const additive = (worth: readonly number[]) => (set: HeadSet) => set.reduce((sum, at) => sum + worth[at]!, 0);

test("the paper's rule by hand: sizes, and signed means", async () => {
  // Means of |score| 3.6, 1.2, 1.2, 1.2, 1.2, 0 (four times): 0.84, deviation 1.096; 3.03 is the threshold.
  const table = [
    [-4.8, 1.2, -1.2, 0.8, 1.6, 0, 0, 0, 0, 0],
    [2.4, 1.2, 1.2, -1.6, 0.8, 0, 0, 0, 0, 0],
  ];
  assert.equal(await circuit("paper", evidence(table)), [0]);
  // Signed means -1.2, 1.2, 0, -0.4, 1.2, 0 …: 0.08, deviation 0.663, threshold 1.406: none.
  assert.equal(await circuit("paper-signed", evidence(table)), []);
  const pulled = table.map((row) => row.map((score, at) => (at === 1 ? 9 : score)));
  assert.equal(await circuit("paper-signed", evidence(pulled)), [1]);
  assert.equal(await circuit("paper", evidence(table, undefined, { patched: [false] })), []);
});

test("several heads go at once only where that costs no more than the best of them alone", async () => {
  // Without head 1 there is 0.1 less, without any of the others 0.12 less: 0.05 where head 0, which costs nothing, is
  // gone.
  const keep = (set: HeadSet) => {
    const each = set.includes(0) ? 0.12 : 0.05;
    return 1 - [1, 2, 3, 4, 5, 6, 7].reduce((sum, at) => sum + (set.includes(at) ? 0 : at === 1 ? 0.1 : each), 0);
  };
  const { ranked } = (await findBy("minimal", evidence([[8, 7, 1, 2, 3, 4, 5, 6]], keep)))!;
  assert.equal(ranked.slice(-2), [2, 0], "head 0 alone, then the cheapest of the others");
});

test("the paper's rule is of each site by itself; equal heads stand out nowhere", async () => {
  const row = [...[9, 1, 1, 1, 1, 1], ...[0.4, 0.1, 0.1, 0.1, 0.1, 0.1]];
  const heads = row.map((_, at) => ({
    site: at < 6 ? ("text.cross.z" as const) : ("text.self.z" as const),
    layer: 0,
    head: at % 6,
  }));
  assert.equal(await circuit("paper", evidence([row], undefined, { heads })), [0, 6]);
  assert.equal(await circuit("paper", evidence([[2, 2, 2]])), []);
});

test("a sample without a score counts for nothing; without any there is no circuit", async () => {
  const table = [
    [9, 0, 0, 0, 0, 0],
    [null, 9, 9, 9, 9, 9],
  ];
  assert.equal(await circuit("paper", evidence(table)), [0]);
  assert.is(await findBy("paper", evidence([[null, 1]])), undefined);
  assert.is(await findBy("attribution", evidence([[1, 2]])), undefined);
  await refused(() => findBy("paper", evidence([[1], [1, 2]])), "options", "2 heads", "1 were expected");
});

test("controlled: a head above the average of every sample, over all sites", async () => {
  const samples = Array.from({ length: 20 }, (_, i) => [
    0.5,
    0.4,
    ...Array.from({ length: 8 }, (_, j) => ((i + j) % 3) / 50),
  ]);
  assert.equal(await circuit("controlled", evidence(samples)), [0, 1]);
  // In so few samples no head can be told from chance.
  assert.equal(await circuit("controlled", evidence(samples.slice(0, 3))), []);
});

test("a ranking ends where 0.9 is kept, and not before a dip", async () => {
  const worth = Array.from({ length: 30 }, (_, at) => (at < 8 ? 0.125 : 0));
  const sizes = [worth.map((_, at) => 30 - at)];
  assert.equal((await circuit("effect", evidence(sizes, additive(worth)))).length, 8);
  const dip = (set: HeadSet) => additive(worth)(set) - (set.length === 20 ? 0.5 : 0);
  assert.equal((await circuit("effect", evidence(sizes, dip))).length, 21);
  const short = (set: HeadSet) => (set.length === 30 ? 1 : 0);
  assert.equal((await circuit("effect", evidence(sizes, short))).length, 30);
});

test("minimal leaves the fewest that keep 0.9, where no head alone keeps anything", async () => {
  const worth = [0.02, 0.5, 0, 0.33, 0, 0.12, 0, 0.03, 0, 0, 0, 0];
  assert.equal(await circuit("minimal", evidence([worth], additive(worth))), [1, 3, 5]);
  const series = (set: HeadSet) => (set.includes(2) && set.includes(7) ? 1 : 0);
  const flat = [Array.from({ length: 12 }, () => 0.1)];
  assert.equal([...(await circuit("minimal", evidence(flat, series)))].sort(), [2, 7]);
});

test("greedy brings back what stands in for a member, and only that", async () => {
  const either = (set: HeadSet) => (set.includes(4) && (set.includes(0) || set.includes(1)) ? 1 : 0);
  const sizes = [[1, 1, 0, 0, 1, 0]];
  const minimal = await circuit("minimal", evidence(sizes, either));
  assert.is(minimal.length, 2);
  assert.equal([...(await circuit("greedy", evidence(sizes, either)))].sort(), [0, 1, 4]);
  assert.equal([...(await findBy("greedy", evidence(sizes, either)))!.ranked].sort(), [0, 1, 2, 3, 4, 5]);
});

test("a head against the answer stays: without it too much would be kept", async () => {
  const worth = [1.3, -0.3, 0, 0, 0, 0];
  assert.equal([...(await circuit("minimal", evidence([worth], additive(worth))))].sort(), [0, 1]);
});

test("remembering asks about no set twice, in whatever order its heads stand", async () => {
  const asked: HeadSet[] = [];
  const own = remembering(
    evidence([[1, 2]], (set) => {
      asked.push(set);
      return set.length;
    }),
  );
  assert.equal(await own.keep([[0, 1], [1, 0], [0]]), [2, 2, 1]);
  assert.equal(await own.keep([[0], []]), [1, 0]);
  assert.equal(asked.length, 3);
});

test("a rule that there is not is refused with those there are", async () => {
  await refused(() => findBy("best" as RuleName, evidence([[1]])), "options", "best", "paper", "greedy");
});

test.run();
