import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/**
 * The programs that draw figures in the page, in the order in which they need each other, with their licences; the
 * interpreter is part of vega-embed.
 */
export async function drawingLibraries(): Promise<string[]> {
  const { resolve } = createRequire(import.meta.url);
  const read = async (name: string) => {
    const build = dirname(resolve(name));
    const [licence, code] = await Promise.all(
      [join(build, "../LICENSE"), join(build, `${name}.min.js`)].map((path) => readFile(path, "utf8")),
    );
    return `/*! ${name}\n${licence}*/\n${code}`;
  };
  return Promise.all(["vega", "vega-lite", "vega-embed"].map(read));
}
