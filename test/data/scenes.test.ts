import { createHash } from "node:crypto";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { random } from "../../src/base/random.js";
import { size } from "../../src/data/scenes/canvas.js";
import {
  aspects,
  caption,
  draw,
  type Sample,
  sampleQuestion,
  sampleScene,
  type Task,
  tasks,
  truth,
} from "../../src/data/scenes/scene.js";
import { replacements, vocabulary, words } from "../../src/data/scenes/vocabulary.js";

/** `count` questions of a task, all aspects in turn. */
function samples(task: Task, count: number, seed = 7): Sample[] {
  return Array.from({ length: count }, (_, index) =>
    sampleQuestion(
      sampleScene(task, seed, index),
      random(seed, task, index, "question"),
      aspects[task][index % aspects[task].length],
    ),
  );
}

test("a seed gives the same bytes always, and each scene is independent of the others", () => {
  const hash = createHash("sha256");
  for (const task of tasks) {
    for (const index of [0, 1, 2, 3]) hash.update(draw(sampleScene(task, 3, index)).picture.data);
  }
  const again = createHash("sha256");
  for (const task of tasks) {
    const backwards = [3, 2, 1, 0].map((index) => draw(sampleScene(task, 3, index)).picture.data);
    for (const data of backwards.reverse()) again.update(data);
  }
  assert.is(again.digest("hex"), hash.digest("hex"));
  assert.not.equal(draw(sampleScene("faces", 3, 0)).picture.data, draw(sampleScene("faces", 4, 0)).picture.data);
});

for (const task of tasks) {
  test(`${task}: a minimal pair differs in its aspect, and only where the thing is that bears it`, () => {
    for (const { scene, corrupt, aspect, answers } of samples(task, 48)) {
      assert.is(truth(scene, aspect), answers[0]);
      assert.is(truth(corrupt, aspect), answers[1]);
      for (const other of aspects[task]) if (other !== aspect) assert.is(truth(corrupt, other), truth(scene, other));
      const [clean, changed] = [draw(scene), draw(corrupt)];
      const bearers =
        scene.kind === "attributes"
          ? [scene.shapes[0]!.noun]
          : scene.kind === "actions"
            ? ["subject", "object", "verb"]
            : ["face", "glasses"];
      const changes = Array.from({ length: size * size }, (_, pixel) => pixel).filter((pixel) =>
        [0, 1, 2].some((c) => clean.picture.data[3 * pixel + c] !== changed.picture.data[3 * pixel + c]),
      );
      assert.ok(changes.length > 4, `${caption(scene)} -> ${caption(corrupt)}: ${changes.length} pixels`);
      for (const pixel of changes) {
        const inside = bearers.some((name) => clean.masks.get(name)?.[pixel] || changed.masks.get(name)?.[pixel]);
        assert.ok(inside, `${caption(scene)} -> ${caption(corrupt)}: pixel ${pixel} lies outside`);
      }
    }
  });

  test(`${task}: the mask of a part lies within the mask of its object`, () => {
    for (const { scene } of samples(task, 12)) {
      const { masks } = draw(scene);
      for (const [name, mask] of masks) {
        const whole = masks.get(name.split(".")[0]!)!;
        assert.ok(mask.every((value, pixel) => value === 0 || (value === 255 && whole[pixel] === 255)));
        assert.ok(mask.includes(255));
      }
    }
  });

  test(`${task}: neither order nor word gives the answer away`, () => {
    const count = 1200;
    let first = 0;
    const answers = new Map<string, { correct: number; incorrect: number }>();
    for (const { question, answers: pair } of samples(task, count)) {
      if (question.indexOf(pair[0]) < question.indexOf(pair[1])) first++;
      for (const [i, word] of pair.entries()) {
        const counts = answers.get(word) ?? { correct: 0, incorrect: 0 };
        counts[i === 0 ? "correct" : "incorrect"]++;
        answers.set(word, counts);
      }
    }
    assert.ok(Math.abs(first / count - 0.5) < 0.045, `the first alternative is right in ${first} of ${count}`); // 3 sigma
    for (const [word, { correct, incorrect }] of answers) {
      const total = correct + incorrect;
      assert.ok(Math.abs(correct / total - 0.5) < 2 / Math.sqrt(total), `${word}: right ${correct} of ${total}`); // 4 sigma
    }
  });

  test(`${task}: no single pixel gives the answer away`, () => {
    // The best threshold on one channel of one pixel, chosen on one half of the scenes, tested on the other.
    const aspect = aspects[task].at(-1)!;
    const [yes, no] = aspect === "form" ? words.form : aspect === "object" ? words.object : ["happy", "sad"];
    const scenes = Array.from({ length: 4000 }, (_, index) => sampleScene(task, 11, index)).filter((scene) =>
      [yes, no].includes(truth(scene, aspect)),
    );
    const chosen = scenes
      .slice(0, 500)
      .map((scene) => ({ data: draw(scene).picture.data, yes: truth(scene, aspect) === yes }));
    const half = chosen.length / 2;
    let best = { right: 0, at: 0, threshold: 0, above: true };
    for (let at = 0; at < chosen[0]!.data.length; at += 7) {
      for (const threshold of [64, 96, 128, 160, 192]) {
        const right = chosen.slice(0, half).filter(({ data, yes }) => data[at]! > threshold === yes).length / half;
        if (right > best.right) best = { right, at, threshold, above: true };
        if (1 - right > best.right) best = { right: 1 - right, at, threshold, above: false };
      }
    }
    const held = chosen.slice(half);
    const right = held.filter(({ data, yes }) => (data[best.at]! > best.threshold === yes) === best.above).length;
    assert.ok(right / held.length < 0.8, `value ${best.at} tells ${yes} from ${no} in ${right} of ${held.length}`);
  });
}

test("every word is one token of a vocabulary of about 120, without repeats", () => {
  const vocab = vocabulary();
  assert.is(new Set(vocab).size, vocab.length);
  assert.ok(vocab.length >= 110 && vocab.length <= 130, `${vocab.length} words`);
  for (const word of ["[PAD]", "[CLS]", "[SEP]", "[DEC]", "[ENC]", ...Object.values(words).flat()]) {
    assert.ok(vocab.includes(word), word);
  }
});

test("a symmetric token replacement keeps all but the two alternatives, word for word", () => {
  for (const task of tasks) {
    for (const { question, corruptQuestion, answers } of samples(task, 200)) {
      const [clean, other] = [question, corruptQuestion].map((text) => text.slice(0, -1).split(" "));
      assert.is(other!.length, clean!.length);
      const changed = clean!.filter((word, i) => other![i] !== word);
      assert.equal(changed.sort(), [...answers].sort());
      for (const word of answers) assert.not.ok(other!.includes(word));
    }
  }
});

test("expressions are replaced by those of the opposite sentiment", () => {
  assert.equal(replacements("expression", "happy"), ["angry", "disgusted", "fearful", "sad"]);
  assert.equal(replacements("expression", "angry"), ["happy", "neutral", "surprised"]);
});

test("questions are worded as the study words them", () => {
  const about = (task: Task, aspect: string) => samples(task, 40).find((sample) => sample.aspect === aspect)!.question;
  assert.match(about("attributes", "colour"), /^is this [a-z]+ [a-z]+ or [a-z]+\?$/);
  assert.match(about("actions", "subject"), /^is [a-z]+ or [a-z]+ [a-z]+ing [a-z]+\?$/);
  assert.match(about("actions", "verb"), /^is [a-z]+ [a-z]+ing or [a-z]+ing [a-z]+\?$/);
  assert.match(about("actions", "object"), /^is [a-z]+ [a-z]+ing [a-z]+ or [a-z]+\?$/);
  assert.match(about("faces", "expression"), /^is this person feeling [a-z]+ or [a-z]+\?$/);
});

test.run();
