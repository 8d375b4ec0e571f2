import { test } from "uvu";
import { comparedByCommands, comparedInPage, isSame } from "../support/compared.js";

for (const [other, task] of [
  ["weights/scenes-caption", "faces"],
  ["weights/scenes-lm", "actions"],
] as const)
  test(`${other} beside the embedded model is what the copied commands find`, async () => {
    const { comparison, shell } = await comparedInPage(["weights/scenes", other], task);
    isSame(comparison, await comparedByCommands(shell), task);
  });

test.run();
