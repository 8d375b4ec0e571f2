import type { TransformOptions } from "esbuild";

/** What files are compiled with. */
export const OPTIONS: TransformOptions;

/** Compiles sources, tests and benches into a folder of the repository's root, without a look at types. */
export function compile(folder: string): Promise<void>;
