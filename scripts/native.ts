import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

// `npm run native` installs @tensorflow/tfjs-node where its own download of libtensorflow fails: the libraries and
// headers come out of PyPI's tensorflow-cpu wheel, the binding is compiled. `npm run native -- gpu` builds
// @tensorflow/tfjs-node-gpu's addon in the same way; without CUDA it computes on the CPU. Linux x86-64; needs npm,
// python3 with pip, and g++.

const TFJS = "4.22.0";
// 2.15.1 is the newest whose C library still has every symbol that tfjs-node 4.22 calls.
const WHEEL = "tensorflow-cpu==2.15.1";

/** What of the wheel the binding needs, as Python's `fullmatch` sees it. */
const LIBRARIES = String.raw`tensorflow/(libtensorflow_(?:cc|framework)\.so\.2)`;
const HEADERS = String.raw`tensorflow/include/((?:tensorflow/c|tsl/c|xla/tsl/c)/.*\.h|(?:tsl|tensorflow/core)/platform/ctstring.*\.h)`;

const UNPACK = `
import os, re, shutil, sys, zipfile
wheel, target = sys.argv[1:3]
for name in zipfile.ZipFile(wheel).namelist():
    for folder, pattern in (("lib", sys.argv[3]), ("include", sys.argv[4])):
        found = re.fullmatch(pattern, name)
        if found:
            path = os.path.join(target, folder, found.group(1))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with zipfile.ZipFile(wheel).open(name) as source, open(path, "wb") as file:
                shutil.copyfileobj(source, file)
`;

function main(): void {
  const name = process.argv[2] === "gpu" ? "@tensorflow/tfjs-node-gpu" : "@tensorflow/tfjs-node";
  const root = fileURLToPath(new URL("..", import.meta.url));
  const modules = join(root, "node_modules");
  const target = join(modules, name);
  const scratch = mkdtempSync(join(tmpdir(), "notice-native-"));
  try {
    // As a development dependency, because npm does not install an optional peer even when asked to.
    run(
      "npm",
      ["install", "--no-save", "--save-dev", "--ignore-scripts", `${name}@${TFJS}`, "node-api-headers@1"],
      root,
    );
    const platforms = ["manylinux_2_17_x86_64", "manylinux2014_x86_64"].flatMap((platform) => ["--platform", platform]);
    const pip = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--python-version", "3.11"];
    run("python3", [...pip, ...platforms, "--dest", scratch, WHEEL], root);
    const wheel = join(scratch, "tensorflow_cpu-2.15.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl");
    run("python3", ["-c", UNPACK, wheel, join(target, "deps"), LIBRARIES, HEADERS], root);
    compile(target, join(modules, "node-api-headers", "include"));
    console.log(`${name} ${TFJS} is built; \`npx notice doctor\` shows its speed.`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function compile(target: string, nodeHeaders: string): void {
  run("mkdir", ["-p", "lib/napi-v8"], target);
  const sources = ["binding/tfjs_backend.cc", "binding/tfjs_binding.cc"];
  const libraries = ["deps/lib/libtensorflow_cc.so.2", "deps/lib/libtensorflow_framework.so.2"];
  const flags = [
    "-O2",
    "-std=c++17",
    "-fPIC",
    "-shared",
    "-DNAPI_VERSION=8",
    `-I${nodeHeaders}`,
    "-Ideps/include",
    "-I.",
  ];
  const rpath = "-Wl,-rpath,$ORIGIN/../../deps/lib";
  run("g++", [...flags, ...sources, ...libraries, rpath, "-o", "lib/napi-v8/tfjs_binding.node"], target);
}

function run(command: string, args: readonly string[], cwd: string): void {
  const { status, error } = spawnSync(command, args, { cwd, stdio: "inherit" });
  if (error)
    throw new Error(`${command} could not be started (${error.message}); it is needed to build the native backend.`);
  if (status !== 0) throw new Error(`\`${command} ${args[0]} …\` failed with status ${status}.`);
}

main();
