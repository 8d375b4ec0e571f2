import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { build } from "esbuild";

export const OPTIONS = { format: "esm", target: "node20", sourcemap: "inline", sourcesContent: false };

/**
 * CommonJS of a megabyte and a half, whose text Node would search for names of exports in each of a hundred processes.
 */
const NAMED = ["@tensorflow/tfjs-core", "@tensorflow/tfjs-backend-wasm"];

export async function compile(folder) {
  await build({
    ...OPTIONS,
    entryPoints: [
      "src/**/*.ts",
      "src/**/*.tsx",
      "test/**/*.ts",
      "test/**/*.tsx",
      "bench/**/*.ts",
      "weights/recipe/*.ts",
      "playground/*.ts",
      "scripts/*.ts",
      "playground/*.tsx",
    ],
    jsx: "automatic",
    jsxImportSource: "preact",
    outbase: ".",
    outdir: folder,
    logLevel: "warning",
  });
  // What src finds beside itself, as in dist, and "vlm-notice" by the package's own exports.
  for (const [name, target] of [
    ["package.json", "../package.json"],
    ["weights/scenes", "../../weights/scenes"],
    ["examples", "../examples"],
    ["dist", "src"],
  ])
    if (!existsSync(`${folder}/${name}`)) symlinkSync(target, `${folder}/${name}`);
  for (const name of NAMED) nameExports(`${folder}/node_modules/${name}`, name);
}

/** A package's exports by their names, the same ones as `require` gives, where a compiled file finds them first. */
function nameExports(to, name) {
  mkdirSync(to, { recursive: true });
  const names = Object.keys(createRequire(import.meta.url)(name)).filter((one) => one !== "default");
  writeFileSync(`${to}/package.json`, JSON.stringify({ name, type: "module", exports: "./index.js" }));
  writeFileSync(
    `${to}/index.js`,
    `import { createRequire } from "node:module";
export const { ${names.join(", ")} } = createRequire(import.meta.url)("../../../../node_modules/${name}");\n`,
  );
}
