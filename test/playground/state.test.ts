import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseState, START, type State, stateHash } from "../../playground/state.js";
import { random } from "../../src/base/random.js";

const full: State = {
  task: "faces",
  scene: 999_999,
  question: "is this & that #1?",
  answers: ["red", "blue"],
  selected: { layer: 1, head: 2 },
  token: 4,
  off: [
    { layer: 0, head: 0 },
    { layer: 2, head: 5 },
  ],
  how: "mean",
  beside: "scenes-itm",
  besideHead: { layer: 0, head: 5 },
  besideQuestion: "this star is red.",
  besideAnswers: ["match", "no match"],
  over: 24,
};

test("a state comes back from its address", () => {
  assert.equal(parseState(`#${stateHash(full)}`), full);
  assert.equal(parseState(stateHash(START)), START);
  assert.equal(parseState(""), START);
});

test("what this page did not write is no state", () => {
  const wrong = [
    "task=lions",
    "scene=-1",
    "scene=1e3",
    "scene=0x10",
    "scene=1000000",
    "scene=01",
    "scene=1&scene=2",
    "__proto__=1",
    "constructor=1",
    "more=1",
    "head=L0",
    "head=L0H0,L1H1",
    "off=L0H0,",
    `off=${Array(65).fill("L0H0").join(",")}`,
    "how=random",
    "answers=red",
    "answers=red,blue,green",
    "answers=red,",
    "question=",
    "question=%00",
    "question=%E2%80%AE",
    "question=%0A",
    `question=${"a".repeat(201)}`,
    "token=",
    "beside=",
    "beside=../model",
    "beside=.hidden",
    "beside=a/b",
    "beside=%3Cb%3E",
    `beside=${"a".repeat(101)}`,
    "besidehead=L0H0",
    "over=24",
    "beside=a&over=13",
    "beside=a&over=024",
    "beside=a&besidehead=0",
    "beside=a&besideanswers=match",
    "a".repeat(2001),
  ];
  for (const hash of wrong) assert.is(parseState(hash), undefined, hash);
});

test("of 5,000 hostile addresses each is refused, or one of this page's own", () => {
  const choose = random(1, "addresses");
  const keys = [
    "task",
    "scene",
    "question",
    "answers",
    "head",
    "token",
    "off",
    "how",
    "beside",
    "besidehead",
    "over",
    "__proto__",
    "toString",
    "",
  ];
  const values = [
    "attributes",
    "3",
    "L1H1",
    "zero",
    "<img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "%",
    "%00",
    "9e9",
  ].concat([
    "L1H1,L0H2",
    "{}",
    "null",
    "\u2028",
    "\ud800",
    "a,b",
    "L999H999",
    "00",
    "-0",
    "Infinity",
    "../../etc",
    "24",
    "scenes-itm",
    "'\"`",
  ]);
  const marks = ["=", "&", "#", "%", "+", "==", "&&", ";"];
  let read = 0;
  for (let i = 0; i < 5000; i++) {
    const parts = Array.from({ length: 1 + Math.floor(4 * choose.next()) }, () => {
      const value = choose.pick(values);
      const given = choose.chance(0.5) ? new URLSearchParams({ v: value }).toString().slice(2) : value;
      return `${choose.pick(keys)}${choose.chance(0.9) ? "=" : choose.pick(marks)}${given}`;
    });
    const hash = parts.join(choose.chance(0.9) ? "&" : choose.pick(marks));
    const state = parseState(hash);
    if (!state) continue;
    read++;
    // Its own address leads back to it: nothing is in it that this page does not write.
    assert.equal(parseState(stateHash(state)), { ...state, how: state.off.length > 0 ? state.how : START.how }, hash);
    assert.equal(
      Object.keys(state).filter((key) => !Object.hasOwn(full, key)),
      [],
      hash,
    );
  }
  assert.ok(read > 100 && read < 4000, `${read}`);
});

test.run();
