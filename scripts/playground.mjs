import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { CONTENT_POLICY } from "../dist/cli/playground.js";
import { PAGE_STYLE } from "../dist/page/style.js";
import { bundle, path } from "./bundle.mjs";

// The playground. Without a folder: the page and its worker go into dist/playground, which the package carries and
// `notice playground` serves. With one, as `npm run playground` calls it: all of it, for any web server.

async function bundlePlayground() {
  const to = path("dist/playground");
  await bundle(["playground/page.tsx"], join(to, "assets"));
  // In pieces: what a GPU needs is loaded where there is one.
  await bundle(["playground/worker.ts"], join(to, "assets"), {
    plugins: [PIXELS],
    external: ["@cornerstonejs/codec-libjpeg-turbo-8bit"],
    splitting: true,
    chunkNames: "[name]-[hash]",
  });
  const page = readFileSync(path("playground/index.html"), "utf8");
  writeFileSync(join(to, "index.html"), page.replace("POLICY", CONTENT_POLICY));
  writeFileSync(join(to, "assets/style.css"), PAGE_STYLE + readFileSync(path("playground/style.css"), "utf8"));
}

/** Pictures come and go as pixels: 200 KB that nobody calls. */
const PIXELS = {
  name: "pixels",
  setup({ onLoad }) {
    onLoad({ filter: /pngjs\.browser\.ts$/ }, () => ({ contents: "export const PNG = undefined;" }));
  },
};

/** The page's model, and others that can stand beside it. */
const MODELS = [
  ["scenes", "answers questions"],
  ["scenes-itm", "says whether a sentence is true"],
  ["scenes-caption", "goes on with a caption"],
  ["scenes-lm", "has the picture among its words"],
].map(([name, does], i) => ({
  name,
  does,
  address: i === 0 ? "model" : `models/${name}`,
  from: `weights/${name}`,
}));

async function makeFolder(to) {
  if (existsSync(to) && !existsSync(join(to, "assets/worker.js")))
    throw new Error(`${to} is there, and is no playground; name another folder.`);
  rmSync(to, { recursive: true, force: true });
  mkdirSync(dirname(to), { recursive: true });
  cpSync(path("dist/playground"), to, { recursive: true });
  for (const kind of ["", "-simd", "-threaded-simd"]) {
    const file = `wasm/tfjs-backend-wasm${kind}.wasm`;
    cpSync(path(`dist/${file}`), join(to, file));
  }
  const index = join(to, "index.html");
  writeFileSync(
    index,
    readFileSync(index, "utf8").replace("<title>", '<meta name="offline" content="offline.js" />\n    $&'),
  );
  writeFileSync(join(to, "models.json"), JSON.stringify(MODELS));
  const files = readdirSync(to, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(to, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort();
  const digest = createHash("sha256");
  for (const file of files) digest.update(file).update(readFileSync(join(to, file)));
  await bundle(["playground/offline-worker.ts"], to, {
    entryNames: "offline",
    format: "iife",
    define: { FILES: JSON.stringify(["./", ...files]), VERSION: JSON.stringify(digest.digest("hex").slice(0, 16)) },
  });
  for (const { address, from } of MODELS) cpSync(path(from), join(to, address), { recursive: true });
}

const to = process.argv.slice(2).at(-1);
if (to === undefined) await bundlePlayground();
else {
  await makeFolder(to);
  console.log(`${to}: serve it by any web server, such as \`npx vite preview --outDir ${to}\`.`);
}
