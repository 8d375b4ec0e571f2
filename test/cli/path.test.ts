import { test } from "uvu";
import * as assert from "uvu/assert";
import { pathsJob } from "../../src/jobs/paths.js";
import { loadBlip, loadModel } from "../../src/patching/load-model.js";
import { patch } from "../../src/patching/patch.js";
import { patchPath } from "../../src/patching/paths.js";
import { noticeHere } from "../support/command.js";
import { ANSWERS, CLEAN_IMAGE, CLEAN_QUESTION, CORRUPT_IMAGE, NARROW, samplePair } from "../support/samples.js";

const PAIR = [
  ...["--image", CLEAN_IMAGE, "--corrupt-image", CORRUPT_IMAGE],
  ...["--question", CLEAN_QUESTION, "--answers", ANSWERS.join(",")],
];

test("path: each receiver by itself, all together, and the plain patch", async () => {
  const places = ["--from", "text.cross.z:L0H1@answer", "--to", "text.self.q:L1H2", "decoder.cross.v:L0"];
  const { code, stdout } = await noticeHere("path", NARROW, ...PAIR, ...places, "--json", "-");
  assert.is(code, 0);
  const found = JSON.parse(stdout) as { paths: { to: string; effect: number }[]; together: object; plain: object };
  using blip = await loadBlip(NARROW);
  using pair = await samplePair(blip, "image");
  const sender = { site: "text.cross.z", layer: 0, head: 1, position: "answer" } as const;
  const receiver = { site: "text.self.q", layer: 1, head: 2 } as const;
  const words = { site: "decoder.cross.v", layer: 0 } as const;
  assert.equal(found.paths, [
    { to: "text.self.q:L1H2", ...(await patchPath(pair, [sender], [receiver])) },
    { to: "decoder.cross.v:L0", ...(await patchPath(pair, [sender], [words])) },
  ]);
  assert.equal(found.together, await patchPath(pair, [sender], [receiver, words]));
  assert.equal(found.plain, await patch(pair, [sender]));
});

test("path: one that cannot be, and the same through the heads between", async () => {
  const asked = ["path", NARROW, ...PAIR, "--from", "text.cross.z:L0H1", "--to", "answer"];
  const { code, stdout, stderr } = await noticeHere(...asked);
  assert.equal([code, stdout], [2, ""]);
  assert.match(stderr, /No direct path leads from text\.cross\.z in layer 0 to answer: .* --mediated/);
  assert.match(stderr, /lead to .*; decoder\.cross\.k or decoder\.cross\.v in layers 0 to \d/);
  const { code: through, stdout: shown } = await noticeHere(...asked, "--mediated");
  assert.is(through, 0);
  assert.match(shown, /\nanswer +-?\d\.\d+/);
});

test("path: a sender at the image tokens in a box", async () => {
  using blip = await loadBlip(NARROW);
  const position = await blip.tokensIn([0, 0, 24, 20], CLEAN_IMAGE);
  assert.ok(position.length > 0 && position.length < 16);
  const places = ["--from", "vision.self.z:L0H1@box:0,0,24,20", "--to", "answer", "--mediated"];
  const { code, stdout, stderr } = await noticeHere("path", NARROW, ...PAIR, ...places, "--json", "-");
  assert.is(code, 0, stderr);
  using pair = await samplePair(blip, "image");
  const sender = { site: "vision.self.z", layer: 0, head: 1, position } as const;
  assert.equal(JSON.parse(stdout).paths, [
    { to: "answer", ...(await patchPath(pair, [sender], ["answer"], { mediated: true })) },
  ]);
  const folder = "test/fixtures/llava";
  using llava = await loadModel(folder);
  const image = `${folder}/clean.png`;
  const asked = { image, corruptImage: `${folder}/corrupt.png`, question: "Is this star red or blue?" };
  const input = { ...asked, answers: ["red", "blue"] as const };
  using read = await llava.pair(input);
  const among = await llava.tokensIn([0, 0, 24, 20], image, read.question);
  assert.ok(among.every((token) => read.question.tokens[token] === "<image>"));
  const sent = { site: "text.self.z", layer: 0, head: 1, position: among } as const;
  const job = { pair: input, senders: [{ ...sent, position: "box:0,0,24,20" }], receivers: ["answer"] as const };
  const { paths } = await pathsJob.perform(llava, { ...job, direction: "denoise", mediated: true });
  assert.equal(paths, [await patchPath(read, [sent], ["answer"], { mediated: true })]);
  const words = await noticeHere("path", NARROW, ...PAIR, "--from", "text.self.z:L0@mask:x.png", "--to", "answer");
  assert.is(words.code, 2);
  assert.match(words.stderr, /those of text\.self\.z are none: take a vision site/);
});

test("path: places that are none", async () => {
  for (const [place, message] of [
    ["text.cross.z", /no place such as/],
    ["text.cross.y:L0", /Did you mean text\.cross\.\w/],
    ["text.cross.z:L7", /no layer 7/],
  ] as const) {
    const { code, stderr } = await noticeHere("path", NARROW, ...PAIR, "--from", place, "--to", "answer");
    assert.is(code, 2);
    assert.match(stderr, message);
  }
});

test.run();
