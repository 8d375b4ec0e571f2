import { render } from "preact-render-to-string";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { AnswerBars, withRest } from "../../src/page/answer-bars.js";
import { CircuitCard } from "../../src/page/circuit-card.js";
import { EffectBar } from "../../src/page/effect-bar.js";
import { Legend } from "../../src/page/legend.js";
import { PictureOverlay } from "../../src/page/picture-overlay.js";
import { Term } from "../../src/page/term.js";
import { TokenStrip } from "../../src/page/token-strip.js";

const words = (page: string) =>
  page
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ")
    .trim();

test("a legend says where its colours end", () => {
  assert.match(render(<Legend legend="effect" extent={0.8} />), "Colours from −0.80 to 0.80");
  assert.match(render(<Legend legend="share" extent={2} sequential />), "Colours from 0 to 2.0");
  // Over a picture in grey 0 is grey: nearly white is the colour of a map's 0.
  const middle = (page: string) => Number.parseInt(/ x="120" [^>]*fill="#(..)/.exec(page)![1]!, 16);
  assert.ok(middle(render(<Legend legend="effect" extent={1} />)) > 230);
  assert.ok(middle(render(<Legend legend="attention" extent={1} overPicture />)) < 160);
  const folded = render(
    <Legend legend="effect" extent={1}>
      1 is all
    </Legend>,
  );
  assert.match(folded, /<details><summary>effect<\/summary><div class="meaning">1 is all/);
});

test("answers have bars as long as they are probable, and a tick where they were", () => {
  const page = render(<AnswerBars caption="answers" answers={[{ text: "red", prob: 0.75, before: 0.5 }]} />);
  assert.match(page, /class="bar" width="90"/); // of 120
  assert.match(page, /class="before" x="59"/);
  assert.is(words(page), "answers red 75.0% was 50.0%");
  const rest = withRest([
    { text: "red", prob: 0.75, before: 0.5 },
    { text: "blue", prob: 0.125, before: 0.25 },
  ]).at(-1);
  assert.equal(rest, { text: "all others", prob: 0.125, before: 0.25 });
  assert.equal(withRest([{ text: "red", prob: 1 }]).at(-1), { text: "all others", prob: 0 });
});

test("an effect stands over its null, and words say where", () => {
  const none = { low: -0.1, high: 0.1, meaning: "95% of random heads" };
  assert.is(
    words(render(<EffectBar effect={0.5} null={none} />)),
    "Effect 0.50 : 50% of the answer comes back 0 1, all of it this head 95% of random heads, −0.10 to 0.10: this head is above",
  );
  assert.match(words(render(<EffectBar effect={-0.2} null={none} />)), /moves 20% further away.*is below$/);
  assert.match(
    words(render(<EffectBar effect={0.1} null={none} rank="Number 2 of 9." />)),
    /is within Number 2 of 9\.$/,
  );
  assert.match(
    words(render(<EffectBar effect={0.1} null={{ ...none, low: -0.001, high: 0 }} />)),
    "heads, all near 0: ",
  );
  // From −0.1 to 1 on 239 pixels, which begin at 0.5: 0 is at 22.2, a half 108.6 further.
  const [, x, width] = /<rect x="([\d.]+)" width="([\d.]+)" y="4"/.exec(
    render(<EffectBar effect={0.5} null={none} />),
  )!;
  assert.is(Number(x).toFixed(1), "22.2");
  assert.is(Number(width).toFixed(1), "108.6");
  assert.match(words(render(<EffectBar effect={null} />)), "No effect is defined");
});

test("attention never stands without its effect, or a word that there is none", () => {
  const picture = { src: "data:image/png;base64,", alt: "a star", width: 8, height: 8 };
  const overlay = { ...picture, alt: "L0H0 over a star" };
  const shown = { title: "L0H0", picture, overlay, extent: 0.1 };
  assert.match(render(<PictureOverlay {...shown} />), "Nobody has patched this head");
  const page = render(<PictureOverlay {...shown} effect={{ effect: 0.18 }} />);
  assert.match(page, "Effect 0.18");
  assert.match(page, /alt="a star".*alt="L0H0 over a star"/);
});

test("tokens are buttons only where they can be chosen", () => {
  const tokens = ["is", "<b>", "?"];
  const page = render(<TokenStrip label="the question" tokens={tokens} selected={1} onSelect={() => {}} />);
  assert.is(page.match(/<button/g)!.length, 3);
  assert.match(page, /aria-pressed="true">&lt;b>/);
  assert.not.match(render(<TokenStrip label="the question" tokens={tokens} />), "<button");
});

test("groups of tokens are folded, open where one of them is chosen, and numbered where they read alike", () => {
  const tokens = ["User", "<image>", "<image>", "is", "?"];
  const folded = [
    { tokens: [1, 2], name: "of the picture" },
    { tokens: [0], name: "around" },
    { tokens: [], name: "nothing" },
  ];
  const page = render(<TokenStrip label="the question" tokens={tokens} folded={folded} selected={2} />);
  assert.is(words(page), "is ? 2 of the picture 0 1 1 around User");
  assert.equal(
    [...page.matchAll(/<details( open)?>/g)].map(([, open]) => open),
    [" open", undefined],
  );
});

test("a card has a head's facts", () => {
  const page = render(
    <CircuitCard title="L0H0" summary="reads the object" facts={[["keeps alone", "71% [66, 76]"]]} />,
  );
  assert.is(words(page), "L0H0 reads the object keeps alone 71% [66, 76]");
});

test("a term is a button that shows its own meaning", () => {
  const page = render(
    <p>
      <Term word="effect" /> <Term word="head" />
    </p>,
  );
  const shows = Array.from(page.matchAll(/popovertarget="([^"]+)">(\w+)<\/button><span id="([^"]+)"[^>]*>(\w+ \w+)/g));
  assert.equal(
    shows.map(([, target, word, id, meaning]) => [target === id, word, meaning]),
    [
      [true, "effect", "How much"],
      [true, "head", "One attention"],
    ],
  );
  assert.is.not(shows[0]![1], shows[1]![1]);
});

test.run();
