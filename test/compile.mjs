import { existsSync, symlinkSync } from "node:fs";
import { build } from "esbuild";

export const OPTIONS = { format: "esm", target: "node20", sourcemap: "inline", sourcesContent: false };

export async function compile(folder) {
  await build({
    ...OPTIONS,
    entryPoints: ["src/**/*.ts", "test/**/*.ts", "bench/*.ts", "weights/recipe/*.ts"],
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
}
