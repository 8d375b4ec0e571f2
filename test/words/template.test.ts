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

test("one that loops or grows is refused at once", () => {
  const began = Date.now();
  refuses(
    "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{{ c }}{% endfor %}{% endfor %}{% endfor %}",
    /come to an end|characters/,
  );
  refuses("{% for a in range(1000000000) %}{{ a }}{% endfor %}", /list of more/);
  refuses(
    "{% set n = namespace(x='ab') %}{% for a in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}{{ n.x }}",
    /characters|namespace/,
  );
  assert.ok(Date.now() - began < 10_000);
});

test("one that reaches for what is not there, or refuses, is an error", () => {
  refuses("{{ process.exit() }}", /cannot be used/);
  refuses("{{ messages.constructor.constructor('return 1')() }}", /cannot be used/);
  refuses("{{ raise_exception('no pictures') }}", /no pictures/);
  refuses("{% for %}", /cannot be used/);
});

test.run();
