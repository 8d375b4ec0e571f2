import { createHash } from "node:crypto";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { caption, draw, sampleAt, type Task } from "../../src/data/scenes/scene.js";

// The first 40 of the scenes that the shipped checkpoint learned from (weights/recipe, seed 1): four hexadecimal digits
// of each, as the sources of its release drew them. Every word, cut and pair of glasses is among them.

const DRAWN: Record<Task, string> = {
  attributes:
    "89bb6cc7f2429d05fc44a0cf883fa43f27b3887258d2d17c6885fe947adbae6ff577bb0e377a4cb7" +
    "7d729e867315f4c37cd1b74be809c2d8354121c50b58ce138f3370206ae42838cbf8540c24d3fef8",
  actions:
    "06eaaac8abcb0c4b66ac607095656497b1b4eb86d6914294911ef4b47d76509fd35f9ebeedd6f3a2" +
    "0abeef9ee6d795b9d91ad2aa44727dc5876dfba25e58f107d5984c5191ecb5d043a5ea3fde9d00ab",
  faces:
    "e36ca5850ed7d33dda57d580cd2910e69f50f2d06b558f45c52830293c09df6211032ae8d5c8c5d4" +
    "f867aa37d5f30013acd3a5a3d064290950b669b51a5443e468f72474a87cede923c24417b9dfb2a2",
};

/** Of a pair's pictures, the masks of all parts, and its questions. */
function digest({ scene, corrupt, question, corruptQuestion }: ReturnType<typeof sampleAt>): string {
  const hash = createHash("sha256");
  for (const one of [scene, corrupt]) {
    const { picture, masks } = draw(one);
    hash.update(picture.data);
    for (const [name, mask] of [...masks].sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(name).update(mask);
  }
  return hash.update(`${question} ${corruptQuestion}`).digest("hex").slice(0, 4);
}

for (const [task, drawn] of Object.entries(DRAWN) as [Task, string][]) {
  test(`${task}: the scenes that the checkpoint learned from are drawn as they were, byte for byte`, () => {
    for (let index = 0; index < drawn.length / 4; index++) {
      const pair = sampleAt(task, 1, index);
      assert.is(digest(pair), drawn.slice(4 * index, 4 * index + 4), `${index}: ${caption(pair.scene)}`);
    }
  });
}

test.run();
