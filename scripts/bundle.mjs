import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** A path of the repository. */
export const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

/** Sources as modules for a browser. */
export async function bundle(entryPoints, outdir, options = {}) {
  await build({
    entryPoints: entryPoints.map(path),
    outdir,
    bundle: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    minify: true,
    logLevel: "warning",
    ...options,
    plugins: [...(options.plugins ?? []), BROWSER],
  });
}

/** What differs between Node and a browser, by the package's own list; and of Zod's languages only ours. */
const BROWSER = {
  name: "browser",
  setup({ onLoad, onResolve }) {
    onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: 'export { default as en } from "./en.js";',
    }));
    const { browser } = JSON.parse(readFileSync(path("package.json"), "utf8"));
    const sources = new Map(
      Object.entries(browser).map((names) =>
        names.map((name) => path(name.replace("./dist/", "src/").replace(/js$/, "ts"))),
      ),
    );
    onResolve({ filter: /^\.{1,2}\/.*\.js$/ }, ({ path: name, resolveDir }) => {
      const source = sources.get(join(resolveDir, name).replace(/js$/, "ts"));
      return source && { path: source };
    });
  },
};
