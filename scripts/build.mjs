import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

// `npm run build`: the sources compiled into dist/, and beside them the binaries of the wasm backend and of libwebp. A
// browser's bundler follows a relative address in every mode; the address of a file of another package it may lose
// (Vite's development server does).

const { resolve } = createRequire(import.meta.url);
const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

rmSync(path("dist"), { recursive: true, force: true });
const tsc = [resolve("typescript/bin/tsc"), "-p", path("tsconfig.build.json")];
process.exitCode = spawnSync(process.execPath, tsc, { stdio: "inherit" }).status ?? 1;
for (const kind of ["", "-simd", "-threaded-simd"]) {
  const file = `tfjs-backend-wasm${kind}.wasm`;
  cpSync(resolve(`@tensorflow/tfjs-backend-wasm/wasm-out/${file}`), path(`dist/wasm/${file}`));
}
cpSync(resolve("@cwasm/webp/webp.wasm"), path("dist/wasm/webp.wasm"));
// npm gives a command its run bit when it links it, and not again when it is built anew.
const { bin } = JSON.parse(readFileSync(path("package.json"), "utf8"));
for (const file of Object.values(bin)) chmodSync(path(file), 0o755);
