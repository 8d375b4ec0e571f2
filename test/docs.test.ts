import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { program } from "../src/cli/program.js";
import { temporaryFolder } from "./support/checkpoint.js";
import { noticeHere } from "./support/command.js";
import { runCodeHere } from "./support/program.js";
import { ROOT } from "./support/root.js";
import { checkShown, printingShown } from "./support/shown.js";

// Code blocks of a page are run one after the other, as one program. Commands that ask the embedded model something are
// run; all others take long, or need the network or somebody's data: of these every option must be one that there is.

const ENTRIES = {
  "vlm-notice": "index.js",
  "vlm-notice/browser": "browser.js",
  "vlm-notice/display": "display.js",
  "vlm-notice/figures": "figures.js",
  "vlm-notice/pool": "pool.js",
  "vlm-notice/register": "register.js",
  "vlm-notice/study": "study.js",
};
const QUICK = ["ask", "sweep", "attribute", "path", "faithful"];

const pages = [
  "README.md",
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md") && !name.startsWith("api"))
    .map((name) => join("docs", name)),
];
const contentOf = (page: string) => readFileSync(join(ROOT, page), "utf8");

/** The words of every command of a page, from its shell blocks and from its text. */
function commandsOf(page: string): string[][] {
  const content = contentOf(page);
  const blocks = Array.from(content.matchAll(/(?<=\n\n)(?: {4}.*\n)+/g), ([block]) => block);
  const fences = Array.from(content.matchAll(/```(?:sh|bash)\n([\s\S]*?)```/g), ([, block]) => block!);
  const inline = Array.from(content.matchAll(/`((?:npx notice|npx tsx|npm run) [^`|…]+)`/g), ([, command]) => command!);
  return [...blocks, ...fences, ...inline]
    .flatMap((block) => block.replaceAll("\\\n", " ").split("\n"))
    .flatMap((line) => line.replace(/(^|\s)#.*$/, "").split("&&"))
    .map((command) => Array.from(command.matchAll(/"([^"]*)"|(\S+)/g), ([, quoted, bare]) => quoted ?? bare!))
    .map((words) => words.filter((word) => word !== "…" && word !== "npx"))
    .filter(([first]) => first !== undefined && /^(notice|npm|tsx)$/.test(first));
}

/** That the program knows the command, its options and their values, and lacks none that it needs. */
async function checkWords(args: readonly string[]): Promise<void> {
  const notice = await program(args[0]);
  for (const command of notice.commands) command.action(() => {});
  const errors: string[] = [];
  notice.configureOutput({ writeErr: (text) => errors.push(text) });
  for (const command of notice.commands) command.configureOutput({ writeErr: (text) => errors.push(text) });
  await notice.parseAsync(args, { from: "user" }).catch(() => errors.push(`${args.join(" ")} is refused`));
  assert.equal(errors, []);
}

/**
 * What a page names of this repository: `src/model/pass.ts`, `docs/api.txt`. Capitals stand for a name to choose; `npm
 * run docs` writes `docs/api`.
 */
const pathsIn = (content: string) =>
  Array.from(
    content.matchAll(/`((?:src|test|docs|scripts|bench|weights|examples)\/[^`\s*…]*)`/g),
    ([, path]) => path!,
  ).filter((path) => !/[A-Z]{4}|^docs\/api\/|^weights\/.*(?:npz|log)$/.test(path));

test("every file that a page names is there", () => {
  const named = [...pages, "CONTRIBUTING.md", "CHANGELOG.md"].map((page) => [page, pathsIn(contentOf(page))] as const);
  assert.ok(named.flatMap(([, paths]) => paths).length > 40);
  for (const [page, paths] of named)
    assert.equal([page, paths.filter((path) => !existsSync(join(ROOT, path)))], [page, []]);
});

test("docs/architecture.md names every room", () => {
  const [, table] = contentOf("docs/architecture.md").split("| room |");
  const rooms = Array.from(
    table!.split("\n\n")[0]!.matchAll(/^\| (`.*?) \|/gm),
    ([, names]) => names!.match(/\w+/g)!,
  ).flat();
  const there = readdirSync(join(ROOT, "src"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  assert.equal(
    there.map(({ name }) => name).filter((name) => !rooms.includes(name)),
    [],
  );
});

test("docs/security.md: every bound names a test that there is", () => {
  const rows = contentOf("docs/security.md").match(/^\|.*\|$/gm)!;
  const named = rows
    .filter((row) => !/^\|( what|-)/.test(row))
    .map((row) => row.match(/`([\w/-]+)`(?=[^|]*\|$)/g) ?? []);
  assert.ok(named.length > 25);
  for (const tests of named) {
    assert.ok(tests.length > 0);
    for (const name of tests) {
      const path = join(ROOT, "test", name.replaceAll("`", ""));
      assert.ok(
        [".test.ts", ".test.tsx", ".slow.ts"].some((kind) => existsSync(`${path}${kind}`)),
        name,
      );
    }
  }
});

/** Lines of a page's text that are wider than a terminal, without tables, code and the targets of links. */
function wideLines(page: string): string[] {
  return contentOf(page)
    .replace(/^```[\s\S]*?^```/gm, "")
    .split("\n")
    .filter((line) => !/^(\|| {4})/.test(line) && line.replace(/\]\([^)]*\)/g, "]").length > 120);
}

test("lines of text have at most 120 columns", () => {
  for (const page of [...pages, "examples/README.md"]) assert.equal(wideLines(page), [], page);
});

for (const page of pages) {
  const commands = commandsOf(page);
  if (commands.length > 0)
    test(`${page}: its commands are commands`, async () => {
      const folder = temporaryFolder();
      for (const [name, ...args] of commands) {
        if (name === "tsx") assert.ok(existsSync(join(ROOT, args[0]!)), args[0]);
        else if (name === "npm") {
          const { scripts } = JSON.parse(contentOf("package.json")) as { scripts: Record<string, string> };
          assert.ok(
            ["ci", "install", "pack"].includes(args[0]!) || (args[0] === "run" ? args[1]! : args[0]!) in scripts,
            args.join(" "),
          );
        } else if (
          page !== "README.md" &&
          QUICK.includes(args[0]!) &&
          args[1] === "weights/scenes" &&
          !args.includes("--pairs")
        ) {
          const written = args.map((word, i) => (/^--(png|json)$/.test(args[i - 1] ?? "") ? join(folder, word) : word));
          const { code, stderr } = await noticeHere(...written);
          assert.is(code, 0, stderr);
        } else await checkWords(args);
      }
    });

  const code = Array.from(contentOf(page).matchAll(/```ts\n([\s\S]*?)```/g), ([, block]) => block!);
  // readme.test.ts and docs-repl.test.ts have those two.
  if (code.length > 0 && !["README.md", "docs/repl.md"].includes(page))
    test(`${page}: its code prints what it says`, async () => {
      const body = printingShown(code.join("\n")).replace(
        /^import (\{.*\}|\* as \w+) from "(.*)";$/gm,
        (_, names: string, from: string) => {
          const entry = ENTRIES[from as keyof typeof ENTRIES];
          const url = entry ? new URL(`../src/${entry}`, import.meta.url).href : import.meta.resolve(from);
          return `const ${names.replace(/^\* as /, "")} = await import("${url}");`;
        },
      );
      const stdout = await runCodeHere(body);
      assert.not.match(stdout, /undefined|NaN|null/);
      checkShown(code.join("\n"), stdout);
    });
}

test.run();
