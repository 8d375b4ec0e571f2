import { test } from "uvu";
import { comparedByCommands, comparedInPage, isSame } from "../support/compared.js";

test("two models compared in the page are two studies compared by the copied commands", async () => {
  const { comparison, shell } = await comparedInPage(["weights/scenes", "weights/scenes-itm"], "attributes");
  isSame(comparison, await comparedByCommands(shell), "attributes");
});

test.run();
