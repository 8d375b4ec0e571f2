import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

// The wasm files and fonts are found by the package's own addresses; nothing is to be configured for them.
export default defineConfig({
  base: "./",
  publicDir: fileURLToPath(new URL("../../../weights", import.meta.url)), // serves weights/scenes as scenes
  build: { target: "es2022", chunkSizeWarningLimit: 2000 },
});
