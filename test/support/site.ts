import { spawnSync } from "node:child_process";
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { staticServer } from "../../src/cli/static-server.js";
import { temporaryFolder } from "./checkpoint.js";
import { ROOT } from "./root.js";

/** A server of plain files, and its address. */
export async function serveFolder(folder: string): Promise<{ server: Server; address: string }> {
  const server = staticServer({ folders: { "/": folder }, headers: {} });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

/** The folder that `npm run playground` makes. */
export function makeSite(): string {
  const folder = join(temporaryFolder(), "site");
  const made = spawnSync(process.execPath, [join(ROOT, "scripts/playground.mjs"), folder], { encoding: "utf8" });
  assert.is(made.status, 0, made.stderr);
  return folder;
}
