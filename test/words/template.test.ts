import { test } from "uvu";
import * as assert from "uvu/assert";
import { NoticeError } from "../../src/base/errors.js";
import { render } from "../../src/words/template.js";

const ASKED = [{ role: "user", content: [{ type: "image" }, { type: "text", text: "red?" }] }] as const;

const refuses = (template: string, why: RegExp) =>
  assert.throws(
    () => render(template, "t.jinja", ASKED),
    (error: Error) => error instanceof NoticeError && error.code === "checkpoint" && why.test(error.message),
  );

test("a template gets the messages and the special tokens", () => {
  const template =
    "{{ bos_token }}{% for m in messages %}{{ m['role'] | upper }}:{% for c in m['content'] %}{% if c['type'] == 'text' %}{{ c['text'] }}{% endif %}{% endfor %}{% endfor %}";
  assert.is(render(template, "t.jinja", ASKED, { bos_token: "<s>" }), "<s>USER:red?");
});

const LOOPS =
  "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{{ c }}{% endfor %}{% endfor %}{% endfor %}";

/** With a clock of its own. */
function at<Result>(now: () => number, work: () => Result): Result {
  const real = Date.now;
  Date.now = now;
  try {
    return work();
  } finally {
    Date.now = real;
  }
}

test("one that loops ends by its steps, where no time passes, and by the time, where few steps take long", () => {
  let reads = 0;
  const still = () => {
    reads++;
    return 0;
  };
  at(still, () => refuses(LOOPS, /does not come to an end/));
  assert.ok(reads > 100_000 && reads <= 200_001, `${reads} steps`);
  let time = 0;
  const slow = () => time++ * 500;
  at(slow, () => refuses(LOOPS, /does not come to an end/));
  assert.ok(time < 10, `${time} steps of half a second`);
});

test("one that grows is refused", () => {
  refuses("{% for a in range(1000000000) %}{{ a }}{% endfor %}", /list of more/);
  refuses(
    "{% set n = namespace(x='ab') %}{% for a in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}{{ n.x }}",
    /characters|namespace/,
  );
});

test("one that reaches for what is not there, or refuses, is an error", () => {
  refuses("{{ process.exit() }}", /cannot be used/);
  refuses("{{ messages.constructor.constructor('return 1')() }}", /cannot be used/);
  refuses("{{ raise_exception('no pictures') }}", /no pictures/);
  refuses("{% for %}", /cannot be used/);
});

test.run();
