import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ROOT } from "./root.js";

const RUN = fileURLToPath(new URL("../run.js", import.meta.url));

test("what a test needs may lack only where it is said so", () => {
  for (const [allowed, status] of [
    [undefined, 1],
    ["browser", 1],
    ["browser, kernel", 0],
  ] as const) {
    const { NOTICE_MAY_SKIP, ...rest } = process.env;
    const env = allowed === undefined ? rest : { ...rest, NOTICE_MAY_SKIP: allowed };
    const ended = spawnSync(process.execPath, [RUN, "lacking.slow"], { cwd: ROOT, env, encoding: "utf8" });
    assert.is(ended.status, status, `${allowed}: ${ended.stdout}${ended.stderr}`);
    assert.match(`${ended.stdout}`, status ? "NOTICE_MAY_SKIP=kernel" : "there is no kernel");
  }
});

test("no slow test skips by itself", () => {
  const slow = readdirSync("test", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".slow.ts"));
  assert.ok(slow.length >= 5);
  for (const name of slow) assert.not.match(readFileSync(join("test", name), "utf8"), /\.skip\b/, name);
});

test.run();
