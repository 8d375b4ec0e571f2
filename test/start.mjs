import { existsSync, symlinkSync } from "node:fs";
import { build } from "esbuild";

// `npm test`: compiles everything once, without a look at types, and runs that. Tests start dozens of processes, commands and workers, and a
// loader would take half a second in each.

const TO = ".compiled";

await build({
  entryPoints: ["src/**/*.ts", "test/**/*.ts", "bench/*.ts", "weights/recipe/*.ts"],
  outbase: ".",
  outdir: TO,
  format: "esm",
  target: "node20",
  sourcemap: "inline",
  sourcesContent: false,
  logLevel: "warning",
});
// What src finds beside itself, as in dist, and "vlm-notice" by the package's own exports.
for (const [name, target] of [
  ["package.json", "../package.json"],
  ["weights/scenes", "../../weights/scenes"],
  ["examples", "../examples"],
  ["dist", "src"],
])
  if (!existsSync(`${TO}/${name}`)) symlinkSync(target, `${TO}/${name}`);
await import(`../${TO}/test/run.js`);
