import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PNG } from "pngjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { NoticeError } from "../../src/base/errors.js";
import { draw, sampleScene } from "../../src/data/scenes/scene.js";
import { words } from "../../src/data/scenes/vocabulary.js";
import { writeScenes } from "../../src/data/scenes/write.js";
import { decodeJpeg } from "../../src/pictures/jpeg.js";

const test = suite<{ parent: string; out: string }>("scenes on disk");
const count = 12;

test.before(async (context) => {
  context.parent = await mkdtemp(join(tmpdir(), "scenes-"));
  context.out = join(context.parent, "world");
  await writeScenes(context.out, { count, seed: 5 });
});
test.after(({ parent }) => rm(parent, { recursive: true }));

const read = async (path: string) => new Uint8Array(await readFile(path));

test("leaves nothing beside the folder", async ({ parent, out }) => {
  assert.equal(await readdir(parent), ["world"]);
  assert.equal((await readdir(out)).sort(), [
    "facial-expressions",
    "images",
    "masks",
    "mit-states",
    "pairs.jsonl",
    "svo-probes",
  ]);
});

test("pictures are numbered with five digits, so that names sort as they were drawn", async ({ out }) => {
  const pictures = ["attributes", "actions", "faces"].flatMap((task) =>
    Array.from({ length: count }, (_, i) => `${task}-000${i < 10 ? "0" : ""}${i}`),
  );
  const expected = pictures.flatMap((name) => [`${name}.png`, `${name}-corrupt.png`]);
  assert.equal((await readdir(join(out, "images"))).sort(), expected.sort());
});

test("SVO-Probes: its columns, triplets that differ in the flagged place, both images there", async ({ out }) => {
  const [head, ...rows] = (await readFile(join(out, "svo-probes/svo_probes.csv"), "utf8")).trimEnd().split("\n");
  assert.is(
    head,
    "sentence,pos_triplet,neg_triplet,pos_url,neg_url,pos_image_id,neg_image_id,subj_neg,verb_neg,obj_neg",
  );
  assert.is(rows.length, count);
  for (const row of rows) {
    const [, positive, negative, one, other, , , ...flags] = row
      .match(/"[^"]*"|[^,]+/g)!
      .map((cell) => cell.replaceAll('"', ""));
    const places = [0, 1, 2].filter((i) => positive!.split(",")[i] !== negative!.split(",")[i]);
    assert.equal(places, [flags.indexOf("True")]);
    for (const path of [one, other]) {
      const { width, height } = await decodeJpeg(await read(join(out, "svo-probes", path!)), path!);
      assert.equal([width, height], [64, 64]);
    }
  }
});

test("MIT-States: folders of adjective and noun, and each noun also with the alternative", async ({ out }) => {
  const folders = await readdir(join(out, "mit-states"));
  const pairs = folders.map((name) => name.split(" "));
  for (const [adjective, noun] of pairs) {
    assert.ok([...words.colour, ...words.texture, ...words.size, ...words.form].includes(adjective as "red"));
    assert.ok(words.noun.includes(noun as "star"));
    assert.ok(
      pairs.some(([other, same]) => other !== adjective && same === noun),
      `only one state of ${noun}`,
    );
  }
  const files = await Promise.all(folders.map((name) => readdir(join(out, "mit-states", name))));
  assert.is(files.flat().length, 2 * count);
});

test("FER: the seven folders' names, grey 48x48 JPEGs", async ({ out }) => {
  const known = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"];
  let files = 0;
  for (const folder of await readdir(join(out, "facial-expressions"))) {
    assert.ok(known.includes(folder));
    for (const file of await readdir(join(out, "facial-expressions", folder))) {
      const { width, height, data } = await decodeJpeg(await read(join(out, "facial-expressions", folder, file)), file);
      assert.equal([width, height], [48, 48]);
      assert.ok(data.every((value, i) => value === data[i - (i % 3)]));
      files++;
    }
  }
  assert.is(files, 2 * count);
});

test("pairs.jsonl: lossless pictures, and masks of what they show", async ({ out }) => {
  const pairs = (await readFile(join(out, "pairs.jsonl"), "utf8")).trimEnd().split("\n");
  assert.is(pairs.length, 3 * count);
  for (const [i, line] of pairs.entries()) {
    const pair = JSON.parse(line);
    const fields = [
      "task",
      "aspect",
      "image",
      "corruptImage",
      "caption",
      "corruptCaption",
      "question",
      "corruptQuestion",
    ];
    assert.equal(Object.keys(pair), [...fields, "answers", "masks", "corruptMasks"]);
    const { picture, masks } = draw(sampleScene(pair.task, 5, i % count));
    const png = PNG.sync.read(await readFile(join(out, pair.image)));
    assert.equal(Uint8Array.from(png.data.filter((_, at) => at % 4 < 3)), picture.data);
    assert.equal(Object.keys(pair.masks), [...masks.keys()]);
    for (const [name, path] of Object.entries<string>(pair.masks)) {
      const mask = PNG.sync.read(await readFile(join(out, path)));
      assert.equal(Uint8Array.from(mask.data.filter((_, at) => at % 4 === 0)), masks.get(name));
    }
    PNG.sync.read(await readFile(join(out, pair.corruptImage)));
    for (const path of Object.values<string>(pair.corruptMasks)) PNG.sync.read(await readFile(join(out, path)));
  }
});

test("an empty folder is taken, a full one is refused and left alone", async ({ parent }) => {
  const empty = join(parent, "empty");
  await mkdir(empty);
  await writeScenes(empty, { count: 1, seed: 1 });
  assert.ok((await readdir(empty)).includes("pairs.jsonl"));
  const full = join(parent, "full");
  await mkdir(full);
  await writeFile(join(full, "notes.txt"), "mine");
  try {
    await writeScenes(full, { count: 1, seed: 1 });
    assert.unreachable();
  } catch (error) {
    assert.instance(error, NoticeError);
    assert.is((error as NoticeError).code, "options");
    assert.match((error as NoticeError).message, /full is not empty/);
  }
  assert.equal(await readdir(full), ["notes.txt"]);
});

test.run();
