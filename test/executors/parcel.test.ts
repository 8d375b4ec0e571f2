import { test } from "uvu";
import * as assert from "uvu/assert";
import { random } from "../../src/base/random.js";
import { placeOf } from "../../src/executors/redis/connect.js";
import { digestOf, exactJson, exactly, pack, unpack } from "../../src/executors/redis/parcel.js";
import { read, readText } from "../../src/executors/redis/protocol.js";
import { jobNamed } from "../../src/jobs/jobs.js";
import { pictureOf } from "../../src/patching/inputs.js";
import { INPUTS } from "../support/job-inputs.js";
import { refused } from "../support/refused.js";
import { CLEAN_IMAGE } from "../support/samples.js";

const asked = { image: CLEAN_IMAGE, question: "is it red?" };

test("pictures travel beside an input, each once, and come back with the names of their files", async () => {
  const { input, pictures } = await pack({ asked, again: { image: CLEAN_IMAGE } });
  assert.is(pictures.size, 1);
  const [[digest, bytes]] = [...pictures] as [[string, Uint8Array]];
  assert.is(digest, digestOf(bytes));
  const json = JSON.parse(JSON.stringify(input));
  assert.equal(json.asked, { image: { file: CLEAN_IMAGE, bytes: { $bytes: digest } }, question: "is it red?" });
  const back = (await unpack(json, async (of) => pictures.get(of)!)) as { asked: { image: never } };
  assert.equal((await pictureOf(back.asked.image)).data, (await pictureOf(CLEAN_IMAGE)).data);
});

test("pixels and bytes travel too; a picture that is missing is refused where it is needed, as a file is", async () => {
  const pixels = { width: 1, height: 1, data: new Uint8Array([1, 2, 3]) };
  const { input, pictures } = await pack({ image: pixels, corruptImage: { noise: { sigma: 1 } } });
  const json = JSON.parse(JSON.stringify(input));
  assert.equal(json.corruptImage, { noise: { sigma: 1 } });
  assert.equal(await unpack(json, async (of) => pictures.get(of)!), {
    image: pixels,
    corruptImage: { noise: { sigma: 1 } },
  });
  const lacking = (await pack({ image: "no/such.png" })).input as { image: never };
  await refused(() => pictureOf(lacking.image), "image", "There is no picture no/such.png");
});

test("a path, a digest that is none, a function and what is too deep are refused", async () => {
  const never = async () => assert.unreachable("nothing is fetched") as never;
  await refused(() => unpack({ asked }, never), "options", "is a path");
  await refused(() => unpack({ images: ["a.png"] }, never), "options", "is a path");
  await refused(() => unpack({ image: { $bytes: "../../etc/passwd" } }, never), "options", "no digest");
  await refused(() => pack({ edits: [() => 1] }), "options", "a function");
  let deep: unknown = 1;
  for (let i = 0; i < 20; i++) deep = { deep };
  await refused(() => pack(deep), "options", "deeper than 16");
  await refused(() => pictureOf({ file: "/etc/passwd" }), "image", "no bytes");
});

test("results come back to the bit", () => {
  const values = [0.1, -0, 0, 1e-300, 123456789.123456, null, "-0"];
  const back = exactly(exactJson({ values })) as { values: unknown[] };
  for (const [i, value] of values.entries()) assert.ok(Object.is(back.values[i], value), `${value}`);
});

test("what Redis holds is read as a stranger's", async () => {
  await refused(() => jobNamed("toString"), "options", "no job");
  await refused(() => jobNamed("__proto__"), "options", "no job");
  for (const kind of ["session", "worker", "payload", "result"] as const) {
    await refused(() => read(kind, null), "network", `no ${kind}`);
    await refused(() => readText(kind, "{"), "network", "not JSON");
  }
  const session = { model: "weights/scenes", digest: "0123456789abcdef", backend: "wasm", version: "0.2.0" };
  assert.equal(read("session", session), session);
  await refused(() => read("session", { ...session, digest: "../.." }), "network", "digest");
  await refused(() => read("session", { ...session, backend: "abacus" }), "network", "backend");
});

/** Values that a stranger may put anywhere. */
const HOSTILE = [
  null,
  1e308,
  "/etc/passwd",
  [],
  {},
  { $bytes: "x" },
  { $bytes: "0".repeat(64) },
  { image: "/etc/passwd" },
];

/** A copy in which one part, chosen by `draw`, is replaced, removed or named otherwise. */
function mutated(root: object, draw: (below: number) => number): unknown {
  const copy = structuredClone(root) as Record<string, unknown>;
  let at = copy;
  for (;;) {
    const keys = Object.keys(at);
    const key = keys[draw(keys.length)];
    if (key === undefined) return copy;
    const part = at[key];
    if (typeof part === "object" && part !== null && draw(3) > 0) {
      at = part as Record<string, unknown>;
      continue;
    }
    if (draw(4) === 0) delete at[key];
    else at[draw(4) === 0 ? ["image", "mask", "constructor", "$bytes"][draw(4)]! : key] = HOSTILE[draw(HOSTILE.length)];
    return copy;
  }
}

/** Whether a path stands where a picture is read. */
const readsFile = (input: unknown): boolean =>
  /"(image|images|corruptImage|mask)":\[?"/.test(JSON.stringify(input) ?? "");

test("10,000 mutated inputs of jobs are unpacked or refused, and name no file to read", async () => {
  const packed = await Promise.all(Object.values(INPUTS).map(async (input) => (await pack(input)).input as object));
  const draw = random(7);
  const below = (count: number) => Math.floor(draw.next() * count);
  let refusals = 0;
  for (let i = 0; i < 10_000; i++) {
    const input = mutated(packed[below(packed.length)]!, below);
    try {
      assert.not.ok(readsFile(await unpack(input, async () => new Uint8Array())), JSON.stringify(input));
    } catch (error) {
      assert.is((error as Error).name, "NoticeError", `${(error as Error).stack} of ${JSON.stringify(input)}`);
      refusals++;
    }
  }
  assert.ok(refusals > 500, `${refusals} are refused`);
});

test("an address is printed without its password", async () => {
  assert.is(placeOf("rediss://user:secret@host:6380/1"), "rediss://host:6380/1");
  for (const url of ["http://host", "redis:", "redis://host/../x", "nonsense"])
    await refused(() => placeOf(url), "options", "redis://host:6379/0");
});

test.run();
