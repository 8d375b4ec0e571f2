import { createRequire, register } from "node:module";
import { MessageChannel } from "node:worker_threads";

// Prints, as JSON, two lists of addresses: the modules loaded by `import(argv[2])`, and those loaded after the text
// argv[3] has run as well, an async function of what was imported.

const HOOKS = `
  let port;
  export const initialize = (data) => { port = data; };
  export const load = (url, context, next) => { port.postMessage(url); return next(url, context); };
`;

const { port1, port2 } = new MessageChannel();
const loaded: string[] = [];
port1.on("message", (url: string) => loaded.push(url));
register(`data:text/javascript,${encodeURIComponent(HOOKS)}`, { data: port2, transferList: [port2] });
const [, , name, then = ""] = process.argv;
const cache = Object.keys(createRequire(import.meta.url).cache);
const found: unknown = await import(name!);
const imported = await modules();
await (new Function("it", `return (async () => { ${then} })();`) as (it: unknown) => Promise<void>)(found);
process.stdout.write(JSON.stringify([imported, await modules()]));
process.exit();

async function modules(): Promise<string[]> {
  await new Promise((resolve) => setTimeout(resolve, 50)); // the last messages
  return [...loaded, ...Object.keys(createRequire(import.meta.url).cache).filter((file) => !cache.includes(file))];
}
