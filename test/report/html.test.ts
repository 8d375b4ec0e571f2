import { test } from "uvu";
import * as assert from "uvu/assert";
import { number, percent } from "../../src/page/number.js";
import { Html, html, inlineScript, jsonScript, table } from "../../src/report/html.js";

test("values are escaped, markup is not, lists are strung together", () => {
  const evil = `<b title='x' lang="y">&amp;`;
  const escaped = "&lt;b title=&#39;x&#39; lang=&quot;y&quot;&gt;&amp;amp;";
  assert.is(html`<p id="${evil}">${evil}</p>`.markup, `<p id="${escaped}">${escaped}</p>`);
  assert.is(html`${[html`<i>${1}</i>`, "<", [new Html("<br>")]]}`.markup, "<i>1</i>&lt;<br>");
  assert.is(html`${"a\u0000b\ud800c\u0085"}`.markup, "a\uFFFDb\uFFFDc\uFFFD");
});

test("JSON in a script element holds nothing that ends it, and is what it was", () => {
  const value = { "</script>": "<!--<script>", "\u2028": ["&", "]]>"] };
  const { markup } = jsonScript("data", value);
  const content = /^<script type="application\/json" id="data">(.*)<\/script>$/.exec(markup)![1]!;
  assert.not.match(content, /[<>&\u2028\u2029]/);
  assert.equal(JSON.parse(content), value);
});

test("a program in a script element means what it meant", () => {
  const code = 'out = "</script>" + /<\\/script>/.source + "</SCRIPT" + "<!--";\r\n';
  const safe = inlineScript(code);
  assert.not.match(safe, /<\/script|<!--|\r/i);
  const run = (program: string) => new Function(`let out; ${program} return out;`)() as string;
  assert.is(run(safe), run(code));
});

test("tables have headers with scopes, and a name", () => {
  const { markup } = table({ caption: "a & b", columns: ["head", "n"], rows: [["L0H1", "3"]] });
  for (const part of [
    '<th scope="col">n</th>',
    '<th scope="row">L0H1</th><td>3</td>',
    'aria-label="a &amp; b"',
    "<caption>a &amp; b</caption>",
  ])
    assert.ok(markup.includes(part), part);
});

test("numbers", () => {
  assert.equal(
    [0.62049, -0.5, 0, 12, 1 / 2001, -2e-7, null].map((one) => number(one, "no mask")),
    ["0.620", "−0.500", "0.000", "12.000", "5.0e−4", "−2.0e−7", "no mask"],
  );
  assert.equal([percent(1, 3), percent(0, 0)], ["33.3%", "of none"]);
});

test.run();
