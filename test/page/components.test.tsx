import { render } from "preact-render-to-string";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { AnswerBars } from "../../src/page/answer-bars.js";
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
});

test("an effect stands over its null, and words say where", () => {
  const none = { low: -0.1, high: 0.1, meaning: "95% of random heads" };
  assert.is(
    words(render(<EffectBar effect={0.5} null={none} />)),
    "Effect 0.50 of the answer: above 95% of random heads [−0.10, 0.10].",
  );
  assert.match(words(render(<EffectBar effect={-0.2} null={none} />)), "below 95%");
  assert.match(words(render(<EffectBar effect={0.1} null={none} />)), "within 95%");
  // From −0.1 to 1 on 240 pixels: 0 is at 21.8, a half 109.1 further.
  const [, x, width] = /<rect x="([\d.]+)" width="([\d.]+)" y="4"/.exec(
    render(<EffectBar effect={0.5} null={none} />),
  )!;
  assert.is(Number(x).toFixed(1), "21.8");
  assert.is(Number(width).toFixed(1), "109.1");
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
