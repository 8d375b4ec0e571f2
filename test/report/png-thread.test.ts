import { test } from "uvu";
import * as assert from "uvu/assert";
import { svgToPng } from "../../src/report/figure.js";
import { openRasteriser } from "../../src/report/png-thread.js";

const svg = (side: number) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}"><rect width="2" height="2"/></svg>`;

test("each SVG gives its own PNG, also after one that cannot be drawn", async () => {
  await using thread = openRasteriser();
  const [one, none, other] = await Promise.allSettled([svg(3), "<svg", svg(5)].map((text) => thread.draw(text)));
  assert.is(none!.status, "rejected");
  for (const [drawn, side] of [
    [one!, 3],
    [other!, 5],
  ] as const) {
    assert.is(drawn.status, "fulfilled");
    const { value } = drawn as PromiseFulfilledResult<Uint8Array>;
    assert.equal([...value], [...(await svgToPng(svg(side)))]);
  }
});

test("what is asked for after it is ended is refused", async () => {
  const thread = openRasteriser();
  const waiting = thread.draw(svg(3));
  await thread[Symbol.asyncDispose]();
  for (const drawn of [waiting, thread.draw(svg(3))])
    assert.is(
      await drawn.then(
        () => "drawn",
        () => "refused",
      ),
      "refused",
    );
});

test.run();
