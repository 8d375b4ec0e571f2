import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { NoticeError } from "../base/errors.js";
import { SHIPPED_MODEL } from "../files/package.js";
import { modelFolder, wholeNumber } from "./options.js";
import { type Served, staticServer } from "./static-server.js";
import { print } from "./streams.js";
import { untilSignal } from "./until-signal.js";

interface PlaygroundOptions {
  readonly port: number;
  readonly open: boolean;
}

const HIGHEST_PORT = 65_535;

/** `notice playground`: the page in which heads are looked at and switched off, on this machine alone. */
export function playgroundCommand(): Command {
  return new Command("playground")
    .description("open a page on this machine: look where heads look, switch them off, see the answer change")
    .argument("[model]", "checkpoint folder, or hub id, of any model that is supported", SHIPPED_MODEL)
    .argument("[others...]", "the same of models that the page can put beside it")
    .option("--port <number>", "of 127.0.0.1; 0 is any that is free", wholeNumber, 0)
    .option("--no-open", "only print the address")
    .action(async (model: string, others: readonly string[], { port, open }: PlaygroundOptions) => {
      const server = await playgroundServer([model, ...others], port);
      const { port: taken } = server.address() as AddressInfo;
      const address = `http://127.0.0.1:${taken}/`;
      print(`${address}\nCtrl-C ends it.\n`);
      if (open) openBrowser(address);
      await untilSignal(async (signal) => {
        await once(signal, "abort");
        server.closeAllConnections();
        server.close();
      });
    });
}

/**
 * Serves the page and models on 127.0.0.1: the first is the page's, others can be put beside it, as can the embedded
 * one.
 *
 * @param models folders, or hub ids, which are downloaded unless they are in the cache.
 * @throws NoticeError as `resolveModel`; `options` where the port is taken or none, or the page was not built.
 */
async function playgroundServer(models: readonly string[], port: number): Promise<Server> {
  if (port > HIGHEST_PORT) throw new NoticeError("options", `--port is ${port}; at most ${HIGHEST_PORT} was expected.`);
  const all = models.includes(SHIPPED_MODEL) ? models : [...models, SHIPPED_MODEL];
  const folders: Record<string, Served> = {};
  const names = namesOf(all);
  const list = names.map((name, i) => ({ name, address: i === 0 ? "model" : `models/${name}`, from: all[i]! }));
  for (const { address, from } of list) folders[`/${address}/`] = await servedModel(from);
  const own = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));
  const page = own("playground");
  if (!existsSync(join(page, "index.html")))
    throw new NoticeError("options", "The playground was not built; `npm run build` does that.");
  const server = staticServer({
    folders: { "/": page, "/wasm/": own("wasm"), ...folders },
    texts: { "/models.json": JSON.stringify(list) },
    headers: HEADERS,
  });
  const listening = once(server, "listening");
  server.listen(port, "127.0.0.1");
  await listening.catch((cause: NodeJS.ErrnoException) => {
    throw new NoticeError("options", `Port ${port} cannot be had: ${cause.code}. Give another, or none.`, { cause });
  });
  return server;
}

/** A name for each model, as an address holds it: the end of its own. */
export function namesOf(models: readonly string[]): string[] {
  const names: string[] = [];
  for (const model of models) {
    const plain =
      basename(model)
        .replaceAll(/[^\w.-]/g, "-")
        .replace(/^[.-]+/, "")
        .slice(0, 90) || "model";
    let name = plain;
    for (let i = 2; names.includes(name); i++) name = `${plain}-${i}`;
    names.push(name);
  }
  return names;
}

/** A model as the server has it: files of the hub's cache are links to what is beside its snapshots. */
export async function servedModel(model: string): Promise<Served> {
  const folder = await modelFolder(model);
  const snapshots = dirname(folder);
  return { folder, links: basename(snapshots) === "snapshots" ? dirname(snapshots) : folder };
}

/** Nothing but the page's own files; WebAssembly, but no eval and no inline script. */
export const CONTENT_POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; style-src 'self'; " +
  "img-src 'self' data: blob:; base-uri 'none'; form-action 'none'";

const HEADERS = {
  "Content-Security-Policy": `${CONTENT_POLICY}; frame-ancestors 'none'`,
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  // What is built anew or another model under the same address is not what was there.
  "Cache-Control": "no-cache",
};

/** As the system opens an address; where it cannot, the address is printed all the same. */
function openBrowser(address: string): void {
  const [command, ...args] =
    process.platform === "darwin" ? ["open"] : process.platform === "win32" ? ["cmd", "/c", "start", ""] : ["xdg-open"];
  const child = spawn(command!, [...args, address], { stdio: "ignore", detached: true });
  child.on("error", () => {});
  child.unref();
}
