import { test } from "uvu";
import * as assert from "uvu/assert";
import { NoticeError } from "../src/errors.js";

test("an error carries its code and its cause", () => {
  const cause = new Error("EACCES");
  const error = new NoticeError("checkpoint", "config.json: cannot be read", { cause });
  assert.is(error.code, "checkpoint");
  assert.is(error.cause, cause);
  assert.instance(error, Error);
});

test.run();
