import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Packed, pack } from "../support/pack.js";
import { ROOT } from "../support/root.js";

const MOST_BYTES = 12_000_000;

let packed: Packed;
const paths = () => packed.files.map(({ path }) => path);
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

test("the package has what is needed", async () => {
  packed = await pack("--dry-run");
  for (const path of [
    "LICENSE",
    "NOTICE",
    "README.md",
    "package.json",
    "weights/scenes/model.safetensors",
    "weights/scenes/config.json",
    "weights/scenes/README.md",
    "weights/seeds/README.md",
    "weights/seeds/3/model.safetensors",
    "dist/browser/index.js",
    "dist/browser/worker.js",
    "dist/playground/index.html",
    "dist/playground/assets/worker.js",
    "examples/star-red.png",
    "examples/one-head.ts",
  ])
    assert.ok(paths().includes(path), path);
  assert.ok(packed.size <= MOST_BYTES, `${packed.size} bytes`);
});

test("and no more: no tests, sources, fixtures, maps, settings", () => {
  const allowed = [
    /^(LICENSE|NOTICE|README\.md|CHANGELOG\.md|package\.json)$/,
    /^dist\/(.+\.(js|d\.ts)|wasm\/[\w-]+\.wasm|playground\/(index\.html|assets\/style\.css))$/,
    /^docs\/[\w-]+\.md$|^docs\/pictures\/[\w-]+\.png$/,
    /^examples\/([\w-]+\.(ts|png|ipynb|md)|(browser|plain-page)\/(index\.html|main\.[jt]s|vite\.config\.ts))$/,
    /^weights\/(scenes|seeds\/3)\/([\w-]+\.(json|safetensors|txt|md)|SHA256SUMS)$|^weights\/seeds\/README\.md$/,
  ];
  assert.equal(
    paths().filter((path) => !allowed.some((pattern) => pattern.test(path))),
    [],
  );
  assert.equal(
    paths().filter((path) => /test|fixture|\.map$/.test(path)),
    [],
  );
});

test("what package.json names is built from a source that is there", () => {
  const { exports, browser, bin } = JSON.parse(read("package.json"));
  const named = [exports, browser, Object.keys(browser), bin].flatMap(leaves);
  const sources = named
    .filter((path) => path.includes("dist/"))
    .map((path) => path.replace(/(\.d)?\.[jt]s$/, ".ts").replace(/^(\.\/)?dist/, "src"));
  assert.ok(sources.length >= 10);
  for (const source of sources) assert.ok(read(source).length > 0, source);
});

function leaves(value: unknown): string[] {
  return typeof value === "string" ? [value] : Object.values(value as object).flatMap(leaves);
}

test("every relative link of a packed page leads to a packed file", () => {
  let links = 0;
  for (const page of paths().filter((path) => path.endsWith(".md")))
    for (const [, target] of read(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)) {
      links++;
      const path = normalize(join(dirname(page), target!)).replace(/\/$/, "");
      assert.ok(
        paths().some((file) => file === path || file.startsWith(`${path}/`)),
        `${page} links to ${target}`,
      );
    }
  assert.ok(links >= 8, `${links} links`);
});

test("nothing runs when somebody installs it, and nothing of it is built there", () => {
  const { scripts, dependencies, gypfile } = JSON.parse(read("package.json"));
  for (const name of ["preinstall", "install", "postinstall"]) assert.is(scripts[name], undefined);
  assert.is(gypfile, undefined);
  // npm's lockfile says of every package whether its installation runs something.
  const lock = JSON.parse(read("package-lock.json")) as { packages: Record<string, LockedPackage> };
  const needed = closure(lock.packages, Object.keys(dependencies));
  assert.ok(needed.size > 30);
  assert.equal(
    [...needed].filter((path) => lock.packages[path]!.hasInstallScript),
    [],
  );
});

interface LockedPackage {
  readonly dependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
  readonly hasInstallScript?: boolean;
}

/** The places in node_modules of packages and all that they depend on. */
function closure(packages: Record<string, LockedPackage>, names: readonly string[]): Set<string> {
  const found = new Set<string>();
  const visit = (from: string, name: string): void => {
    for (let at = from; ; at = at.replace(/(^|\/)node_modules\/(@[^/]+\/)?[^/]+$/, "")) {
      const path = `${at}${at && "/"}node_modules/${name}`;
      if (!packages[path]) {
        if (at === "") return; // optional, and not for this platform
        continue;
      }
      if (found.has(path)) return;
      found.add(path);
      const { dependencies = {}, optionalDependencies = {} } = packages[path];
      for (const next of Object.keys({ ...dependencies, ...optionalDependencies })) visit(path, next);
      return;
    }
  };
  for (const name of names) visit("", name);
  return found;
}

test.run();
