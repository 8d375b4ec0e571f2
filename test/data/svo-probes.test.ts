import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { NoticeError } from "../../src/base/errors.js";
import type { PrepareContext } from "../../src/data/sample.js";
import { svoImages, svoProbes } from "../../src/data/svo-probes.js";
import { CONTEXT, collect, folderOf, pieces, reasons } from "../support/prepare.js";
import { refused } from "../support/refused.js";

const HEADER = "sentence,pos_triplet,neg_triplet,pos_url,neg_url,pos_image_id,neg_image_id,subj_neg,verb_neg,obj_neg";
const PLACES = ["subject", "verb", "object"] as const;

/** A row of the file; `place` is the flagged one. */
const row = (positive: string, negative: string, ids: readonly [number, number], place: string, sentence = "s") =>
  `${sentence},"${positive}","${negative}",http://a/${ids[0]},http://a/${ids[1]},${ids.join(",")},` +
  PLACES.map((name) => (name === place ? "True" : "False")).join(",");

const folderWith = (rows: readonly string[], images: readonly string[], header = HEADER) =>
  folderOf({
    ...Object.fromEntries(images.map((name) => [`images/${name}`, ""])),
    "svo_probes.csv": `${[header, ...rows].join("\n")}\n`,
  });

const jpgs = (count: number) => Array.from({ length: count }, (_, i) => `${i + 1}.jpg`);

const VARIED = [
  row("woman,holding,dog", "man,holding,dog", [1, 2], "subject"),
  row("girl,holding,dog", "girl,walking,dog", [3, 4], "verb"),
  row("boy,riding,horse", "boy,riding,bike", [5, 6], "object"),
  row("child,pulling,cart", "child,pushing,cart", [7, 8], "verb"),
];

async function prepare(folder: string, changes: Partial<PrepareContext> = {}) {
  return collect(svoProbes(folder, { ...CONTEXT, ...changes }));
}

test("a row gives two samples that mirror each other", async () => {
  const folder = folderWith([VARIED[0]!, ...VARIED.slice(2)], ["1.jpg", "2.png", "5.jpeg", "6.JPG", "7.jpg", "8.jpg"]);
  const { samples, excluded } = await prepare(folder);
  assert.equal(excluded, []);
  assert.is(samples.length, 6);
  const [first, second] = samples;
  assert.equal(
    [first!.id, first!.dataset, first!.group, first!.image, first!.corruptImage, first!.answers],
    [
      "1.2.subject",
      "svo-probes",
      "subject",
      join(folder, "images/1.jpg"),
      join(folder, "images/2.png"),
      ["woman", "man"],
    ],
  );
  assert.equal(
    [second!.id, second!.image, second!.corruptImage, second!.answers],
    ["2.1.subject", join(folder, "images/2.png"), join(folder, "images/1.jpg"), ["man", "woman"]],
  );
  for (const { question } of [first!, second!])
    assert.ok(["is woman or man holding dog?", "is man or woman holding dog?"].includes(question), question);
  // Of the subjects (woman, man, boy, child) boy and child are left.
  assert.match(first!.corruptQuestion!, /^is (boy or child|child or boy) holding dog\?$/);
  assert.match(samples[2]!.question, /^is boy riding (horse or bike|bike or horse)\?$/);
  // dog and cart are all other objects.
  assert.match(samples[2]!.corruptQuestion!, /^is boy riding (dog or cart|cart or dog)\?$/);
  assert.match(samples[4]!.question, /^is child (pulling or pushing|pushing or pulling) cart\?$/);
});

test("replacements have as many pieces each, come from the same place, and are not in the question", async () => {
  const subjects = ["man", "boy", "girl", "astronaut", "firefighter", "musician", "dog", "cat"];
  const rows = subjects.flatMap((one, i) =>
    subjects
      .slice(0, i)
      .map((other, j) => row(`${one},chasing,dog`, `${other},chasing,dog`, [10 * i + 1, 10 * j + 2], "subject")),
  );
  const images = Array.from({ length: 100 }, (_, i) => `${i}.jpg`);
  const { samples, excluded } = await prepare(folderWith(rows, images));
  assert.equal(excluded, []);
  assert.is(samples.length, 8 * 7);
  let replaced = 0;
  for (const { question, corruptQuestion, answers } of samples) {
    const words = (text: string) => /^is (\w+) or (\w+) chasing dog\?$/.exec(text)!.slice(1);
    if (!corruptQuestion) continue;
    replaced++;
    const [clean, corrupt] = [words(question), words(corruptQuestion)];
    assert.equal(corrupt.map(pieces), clean.map(pieces));
    assert.is(new Set([...answers, ...corrupt]).size, 4);
    assert.ok(corrupt.every((word) => subjects.includes(word) && word !== "dog"));
  }
  // Two of the three long words leave one for both.
  assert.is(replaced, samples.filter(({ answers }) => answers.some((word) => pieces(word) === 1)).length);
});

const bad: Record<string, readonly string[]> = {
  "broken row": [
    "s,woman,holding,dog,man,holding,dog,u,u,1,2,True,False,False",
    "s",
    row("woman,holding,dog", "man,holding,dog", [1, 2], "subject").replace("True", "perhaps"),
  ],
  "empty triplet": [
    row("", "man,holding,dog", [1, 2], "subject"),
    row("woman,holding,dog", "[]", [1, 2], "subject"),
    row("['[]']", "man,holding,dog", [1, 2], "subject"),
    row("[['']]", "man,holding,dog", [1, 2], "subject"),
    row(",,", "man,holding,dog", [1, 2], "subject"),
  ],
  "malformed triplet": [
    row("woman,holding", "man,holding,dog", [1, 2], "subject"),
    row("woman,holding,dog,cat", "man,holding,dog", [1, 2], "subject"),
    row("woman,,dog", "man,holding,dog", [1, 2], "subject"),
    row("woman,holding,{{ dog }}", "man,holding,dog", [1, 2], "subject"),
    row(`${"woman".repeat(20)},holding,dog`, "man,holding,dog", [1, 2], "subject"),
  ],
  "not one negated place": [
    row("woman,holding,dog", "man,holding,dog", [1, 2], "nothing"),
    row("woman,holding,dog", "man,walking,dog", [1, 2], "subject").replace("True,False", "True,True"),
  ],
  "does not differ": [
    row("woman,holding,dog", "woman,holding,dog", [1, 2], "subject"),
    row("woman,holding,dog", "woman,holding,cat", [1, 2], "verb"),
    row("woman,holding,dog", "Woman , holding,dog", [1, 2], "subject"),
  ],
  "differs elsewhere too": [row("woman,holding,dog", "man,holding,cat", [1, 2], "subject")],
  person: [
    row("person,holding,dog", "man,holding,dog", [1, 2], "subject"),
    row("woman,hugging,person", "man,hugging,person", [1, 2], "subject"),
    row("woman,hugging,man", "woman,hugging,old person", [1, 2], "object"),
  ],
  "missing image": [
    row("woman,holding,dog", "man,holding,dog", [1, 9], "subject"),
    row("woman,holding,dog", "man,holding,dog", [9, 2], "subject"),
    row("woman,holding,dog", "man,holding,dog", [1, 2], "subject").replace(",1,2,", ",../../1,2,"),
    row("woman,holding,dog", "man,holding,dog", [1, 2], "subject").replace(",1,2,", ",,2,"),
    row("woman,holding,dog", "man,holding,dog", [1, 2], "subject").replace(",1,2,", ",constructor,2,"),
  ],
  "one image for both": [row("woman,holding,dog", "man,holding,dog", [1, 1], "subject")],
  "repeated pair": [row("girl,holding,dog", "girl,walking,dog", [4, 3], "verb", "another sentence")],
};
for (const [reason, rows] of Object.entries(bad))
  test(`${reason}: counted, named, and the others stay`, async () => {
    const { samples, excluded } = await prepare(folderWith([VARIED[1]!, ...rows, VARIED[3]!], jpgs(8)));
    assert.is(samples.length, 4);
    assert.equal(reasons(excluded), { [reason]: rows.length });
    assert.equal(
      excluded.map(({ source }) => source),
      rows.map((_, i) => `svo_probes.csv row ${i + 2}`),
    );
    assert.ok(
      excluded.every(({ dataset, detail }) => dataset === "svo-probes" && detail !== "" && detail.length <= 300),
    );
  });

test("Python's lists of triplets: the two that differ at the place and nowhere else", async () => {
  const rows = [
    row("['woman,holding,dog']", "man,holding,dog", [1, 2], "subject"),
    row("['girl,sit,chair', 'girl,ride,horse']", "['girl,feed,horse', 'girl,see,cat']", [3, 4], "verb"),
    row('[""girl,see,cat""]', "girl,see,horse", [5, 6], "object"),
  ];
  const { samples, excluded } = await prepare(folderWith(rows, jpgs(6)));
  assert.equal(excluded, []);
  assert.equal(
    samples.map(({ answers }) => answers.join()),
    ["woman,man", "man,woman", "ride,feed", "feed,ride", "cat,horse", "horse,cat"],
  );
});

test("a column prompt is asked as it stands; its alternatives are replaced where they stand", async () => {
  const prompted = (line: string, prompt: string) => `${line},${prompt}`;
  const rows = [
    prompted(VARIED[0]!, "Is the Man or a woman holding a dog?"),
    prompted(VARIED[1]!, "Does the girl hold or walk the dog?"),
    prompted(VARIED[2]!, ""),
    prompted(VARIED[3]!, "Is the person pulling or pushing?"),
  ];
  const folder = folderWith(rows, jpgs(8), `${HEADER},prompt`);
  const { samples, excluded } = await prepare(folder);
  assert.equal(reasons(excluded), { "prompt lacks an alternative": 1, person: 1 });
  assert.equal(
    [samples[0]!.question, samples[1]!.question],
    ["Is the man or a woman holding a dog?", "Is the man or a woman holding a dog?"],
  );
  assert.equal(
    [samples[0]!.answers, samples[1]!.answers],
    [
      ["woman", "man"],
      ["man", "woman"],
    ],
  );
  for (const { corruptQuestion } of samples.slice(0, 2))
    assert.match(corruptQuestion!, /^Is the (girl or a boy|boy or a girl) holding a dog\?$/);
  assert.match(samples[2]!.question, /^is boy riding/);

  const templated = await prepare(folder, {
    template: "{{ first }} or {{ second }}: who is {{ verb }} the {{ object }}?",
  });
  assert.match(templated.samples[0]!.question, /^(man or woman|woman or man): who is holding the dog\?$/);
  assert.equal(reasons(templated.excluded), { person: 1 });
});

test("a question that the model cannot take is no sample", async () => {
  const limited = (text: string) => {
    if (text.includes("cart")) throw new NoticeError("tokens", "too many");
    return pieces(text);
  };
  const { samples, excluded } = await prepare(folderWith(VARIED, jpgs(8)), { pieces: limited });
  assert.is(samples.length, 6);
  assert.equal(excluded, [
    { dataset: "svo-probes", source: "svo_probes.csv row 4", reason: "unusable question", detail: "too many" },
  ]);
  await refused(() => prepare(folderWith(VARIED, jpgs(8)), { template: "{{ noun }}" }), "options", '"noun"');
});

test("samples follow from seed and data, not from the order of rows", async () => {
  const rows = Array.from({ length: 200 }, (_, i) =>
    row("girl,holding,dog", "girl,walking,dog", [2 * i + 1, 2 * i + 2], "verb"),
  );
  const prepareRows = async (order: readonly string[], seed: number) =>
    (
      await prepare(
        folderWith(
          [...order, ...VARIED.map((line) => line.replace(/,(\d),(\d),/, ",50$1,50$2,"))],
          [...jpgs(400), ...jpgs(8).map((name) => `50${name}`)],
        ),
        { seed },
      )
    ).samples
      .map(({ id, question, corruptQuestion }) => [id, question, corruptQuestion].join("|"))
      .sort();
  const one = await prepareRows(rows, 1);
  assert.equal(await prepareRows([...rows].reverse(), 1), one);
  assert.not.equal(await prepareRows(rows, 2), one);
  const first = one.filter((line) => line.includes("is girl holding or walking dog?")).length;
  assert.ok(Math.abs(first - 200) < 4 * Math.sqrt(100), `${first} of 400 in one order`);
});

test("what is no SVO-Probes folder", async () => {
  const csv = `${HEADER}\n`;
  await refused(() => prepare(folderOf([])), "options", "svo_probes.csv", "no such file");
  await refused(() => prepare(folderOf(["svo_probes.csv/x"])), "options", "svo_probes.csv", "a folder");
  await refused(
    () => prepare(folderOf({ "svo_probes.csv": csv })),
    "options",
    "images",
    "notice fetch svo-probes --data",
  );
  await refused(() => prepare(folderOf({ "svo_probes.csv": csv, images: "" })), "options", "images", "it is a file");
  await refused(() => prepare(folderOf({ "svo_probes.csv": "" })), "options", "no column pos_triplet");
  await refused(
    () => prepare(folderOf({ "svo_probes.csv": "a,b\n1,2\n" })),
    "options",
    "no column pos_triplet",
    '"a,b"',
  );
  const open = `${csv}s,"woman,holding,dog\n${"x".repeat(2_000_000)}`;
  await refused(() => prepare(folderOf({ "svo_probes.csv": open })), "options", "is not a CSV file");
});

test("an id that a table writes with .0 is the whole number", async () => {
  const rows = [VARIED[0]!.replace(",1,2,", ",1.0,2.0,"), VARIED[1]!];
  const folder = folderWith(rows, jpgs(4));
  const { samples, excluded } = await prepare(folder);
  assert.equal([excluded, samples.map(({ id }) => id)], [[], ["1.2.subject", "2.1.subject", "3.4.verb", "4.3.verb"]]);
  assert.equal(
    (await svoImages(folder)).map(({ id }) => id),
    ["1", "2", "3", "4"],
  );
});

test("its pictures, each id once", async () => {
  const rows = [VARIED[0]!, VARIED[0]!, "broken", row("a,b,c", "d,b,c", [2, 3], "subject")];
  assert.equal(await svoImages(folderWith(rows, [])), [
    { id: "1", url: "http://a/1" },
    { id: "2", url: "http://a/2" },
    { id: "3", url: "http://a/3" },
  ]);
});

test.run();
