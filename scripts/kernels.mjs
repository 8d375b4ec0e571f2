import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

// `npm run kernels`: assembly/index.ts compiled into src/model/kernels/assembly.ts. Only whoever changes it needs the
// compiler, so npx fetches it.

const folder = mkdtempSync(join(tmpdir(), "notice-kernels-"));
const file = join(folder, "kernels.wasm");
const options = ["-O3", "--noAssert", "--runtime", "stub", "--importMemory", "--noExportMemory", "--enable", "simd"];
const asc = ["--yes", "-p", "assemblyscript@0.28.20", "asc", "assembly/index.ts", ...options, "-o", file];
const { status } = spawnSync("npx", asc, { stdio: "inherit" });
if (status === 0) {
  const text = readFileSync(file).toString("base64");
  const lines = text.match(/.{1,110}/g).map((line) => `  "${line}"`);
  writeFileSync(
    "src/model/kernels/assembly.ts",
    `// Written by \`npm run kernels\` from assembly/index.ts.\n\n/** A WebAssembly module, in base64. */\nexport const ASSEMBLY =\n${lines.join(" +\n")};\n`,
  );
}
rmSync(folder, { recursive: true });
process.exitCode = status ?? 1;
