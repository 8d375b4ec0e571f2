import { test } from "uvu";
import * as assert from "uvu/assert";
import { noticeHere } from "../support/command.js";
import { FIXTURES } from "../support/fixture.js";

test("--no-split takes the picture whole, in this process and in others", async () => {
  const folder = `${FIXTURES}/idefics3`;
  const [image, corrupt] = [`${folder}/clean.png`, `${folder}/corrupt.png`];
  const asked = ["--question", "Is this star red or blue?", "--answers", "red,blue"];
  const pair = ["--image", image, "--corrupt-image", corrupt, ...asked, "--layers", "0", "--position", "last"];
  const tokens = async (...more: string[]) => {
    const { code, stdout, stderr } = await noticeHere("sweep", folder, ...pair, ...more, "--json", "-");
    assert.is(code, 0, stderr);
    return (JSON.parse(stdout) as { tokens: string[] }).tokens.filter((token) => token === "<image>").length;
  };
  // 4 x 4 patches, each 2 x 2 of them a token: 4 a tile; 30 x 22 pixels are 2 x 2 tiles of 16 and the whole.
  assert.equal([await tokens(), await tokens("--no-split")], [20, 4]);
});

test.run();
