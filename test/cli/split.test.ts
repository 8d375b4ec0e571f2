import { test } from "uvu";
import * as assert from "uvu/assert";
import { noticeHere } from "../support/command.js";
import { FIXTURES } from "../support/fixture.js";

const folder = `${FIXTURES}/idefics3`;
const [image, corrupt] = [`${folder}/clean.png`, `${folder}/corrupt.png`];
const asked = ["--question", "Is this star red or blue?", "--answers", "red,blue"];
const pair = ["--image", image, "--corrupt-image", corrupt, ...asked, "--layers", "0"];

test("--no-split takes the picture whole, in this process and in others", async () => {
  const tokens = async (...more: string[]) => {
    const { code, stdout, stderr } = await noticeHere(
      "sweep",
      folder,
      ...pair,
      "--position",
      "last",
      ...more,
      "--json",
      "-",
    );
    assert.is(code, 0, stderr);
    return (JSON.parse(stdout) as { tokens: string[] }).tokens.filter((token) => token === "<image>").length;
  };
  // 4 x 4 patches, each 2 x 2 of them a token: 4 a tile; 30 x 22 pixels are 2 x 2 tiles of 16 and the whole.
  assert.equal([await tokens(), await tokens("--no-split")], [20, 4]);
});

test("--position tile: means a tile's tokens, of which the last is the whole picture", async () => {
  const of = (tile: string) => noticeHere("sweep", folder, ...pair, "--heads", "0", "--position", tile, "--json", "-");
  for (const [tile, first] of [
    ["tile:1", 4],
    ["tile:4", 16],
  ] as const) {
    const { code, stdout, stderr } = await of(tile);
    assert.is(code, 0, stderr);
    const { tokens, metrics } = JSON.parse(stdout) as { tokens: string[]; metrics: { logitDiff: number[][][] } };
    const images = tokens.flatMap((token, i) => (token === "<image>" ? [i] : []));
    const patched = metrics.logitDiff[0]![0]!.flatMap((value, i) => (value === null ? [] : [i]));
    assert.equal(patched, images.slice(first, first + 4));
  }
  const { code, stderr } = await of("tile:5");
  assert.is(code, 2);
  assert.match(stderr, /tile:5 is none of this picture's tiles; give tile:0 to tile:4/);
});

test.run();
