import { statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { historyFile, openHistory } from "../../src/repl/history.js";
import { temporaryFolder } from "../support/checkpoint.js";

test("the history's file follows XDG and may be named, or be none", () => {
  assert.is(historyFile({}), join(homedir(), ".local/state/vlm-notice/repl-history"));
  assert.is(historyFile({ XDG_STATE_HOME: "/state" }), "/state/vlm-notice/repl-history");
  assert.is(historyFile({ XDG_STATE_HOME: "/state", NOTICE_REPL_HISTORY: "~/h" }), join(homedir(), "h"));
  assert.is(historyFile({ NOTICE_REPL_HISTORY: "" }), undefined);
});

test("its folder is made for its owner alone; where that cannot be there is no history", async () => {
  const folder = temporaryFolder();
  const file = join(folder, "state/history");
  assert.is(await openHistory(file), file);
  assert.is(statSync(join(folder, "state")).mode & 0o077, 0);
  writeFileSync(join(folder, "taken"), "");
  assert.is(await openHistory(join(folder, "taken/history")), undefined);
});

test.run();
