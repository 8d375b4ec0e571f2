import { test } from "uvu";
import * as assert from "uvu/assert";
import { questionTemplate, TEMPLATES } from "../../src/corruption/prompts.js";
import { refused } from "../support/refused.js";
import { charactersRead } from "../support/work.js";

const VARIABLES = ["noun", "first", "second"] as const;
const values = { noun: "star", first: "red", second: "blue" };
const write = (source: string) => questionTemplate(source, VARIABLES)(values);

test("the paper's questions", () => {
  const triplet = { subject: "woman", verb: "holding or walking", object: "dog" };
  const svo = questionTemplate(TEMPLATES["svo-probes"], ["subject", "verb", "object"]);
  assert.is(svo(triplet), "is woman holding or walking dog?");
  assert.is(write(TEMPLATES["mit-states"]), "Is this star red or blue?");
  assert.is(write(TEMPLATES.faces), "Is this person feeling red or blue?");
});

// What Jinja2 makes of them (3.1, trim_blocks and lstrip_blocks as in chat templates; white space then made one space).
const jinja: Record<string, string> = {
  "{{ first }}": "red",
  "{{first}}or{{second}}": "redorblue",
  "{{ first | upper }} {{ 'a b' | title }} {{ noun | capitalize }}": "RED A B Star",
  "{{ first if noun == 'star' else second }}": "red",
  "{{ first ~ ' or ' ~ second }}": "red or blue",
  "{{ first + second }}": "redblue",
  "{% if first == 'red' and not noun == 'moon' %}a{% else %}b{% endif %}": "a",
  "{% if 'ta' in noun %}\n  a\n{% elif first %}\n  b\n{% endif %}": "a",
  "{# a {{ firs }} comment #}x": "x",
  "{{ '{{' }}{{ '}}' }}": "{{}}",
  '{{ "{% for" }} {{ first }}': "{% for red",
  " \n is \t{{ first -}}   ? \n": "is red?",
};
for (const [source, expected] of Object.entries(jinja))
  test(`${JSON.stringify(source)} is ${expected}`, () => assert.is(write(source), expected));

test("values are no templates", () => {
  const nested = questionTemplate("{{ noun }}", VARIABLES)({ ...values, noun: "{{ first }}{% for" });
  assert.is(nested, "{{ first }}{% for");
});

const bad: Record<string, [source: string, ...parts: string[]]> = {
  "an open tag": ["is {{ first", "at character 4", "{{ first"],
  "an open tag behind a sound one": ["{{ noun }} {{ first", "at character 12"],
  "an open string": ["{{ noun }} {{ 'a }}", "at character 12"],
  "an open comment": ["{{ noun }} {# a", "at character 12"],
  "two words": ["{{ noun }} {{ first second }} {{ noun }}", "at character 12", "{{ first second }}"],
  "an empty tag": ["{{ noun }}{{ }}", "at character 11"],
  "an unknown statement": ["{% include '/etc/passwd' %}", "at character 1", "include"],
  "an if without end": ["{% if first %}a", "at character 1", "ends too early"],
  "an end without if": ["a {% endif %}", "at character 3"],
  "an abyss of brackets": [`{{ ${"(".repeat(1900)}`, "at character 1"],
  "an unknown variable": ["{{ frist }}", '"frist"', "did you mean first?", "noun, first, second"],
  "a variable of the library's": ["{{ range }}", '"range"'],
  "an inherited name": ["{{ constructor }}", '"constructor"'],
  "an endless loop": ["{% for i in range(10 ** 9) %}a{% endfor %}", "not allowed"],
  "an assignment": ["{% set first = 'a' %}", "not allowed"],
  "a macro": ["{% macro a() %}{{ a() }}{% endmacro %}", "not allowed"],
  "a call": ["{{ first.upper() }}", "not allowed"],
  "a member": ["{{ first.constructor.constructor }}", "not allowed"],
  "a member by key": ["{{ first['__proto__'] }}", "not allowed"],
  "a list": ["{{ ['a', 'b'] }}", "not allowed"],
  "a filter with arguments": ["{{ first | replace('', 'aaaa') }}", "not allowed"],
  "a filter of another kind": ["{{ first | tojson }}", "not allowed"],
  "a filter block": ["{% filter upper %}a{% endfilter %}", "not allowed"],
  arithmetic: ["{{ first * 1000000000 }}", "operator *", "not allowed"],
  "a template without end": ["a".repeat(2001), "2001 characters"],
};
for (const [name, [source, ...parts]] of Object.entries(bad))
  test(`${name} is refused at once`, async () => {
    let message = "";
    const read = await charactersRead(async () => {
      message = await refused(() => questionTemplate(source, VARIABLES), "options", "template", ...parts);
    });
    assert.ok(message.length < 500, message);
    // As often a character whatever the length: work that grows with its square is a thousand times as much.
    assert.ok(read <= 1000 + 100 * source.length, `${read} characters were read of ${source.length}`);
  });

test("what comes out is bounded", async () => {
  const long = questionTemplate("{{ first ~ second }}".repeat(90), VARIABLES);
  await refused(() => long({ ...values, first: "a".repeat(1000) }), "options", "writes", "4096");
  await refused(() => write(" {{ '' }} "), "options", "writes 0 characters");
});

test.run();
