import { NoticeError } from "../base/errors.js";
import { parseJson, shown } from "../base/json.js";
import { namesOf } from "../base/options.js";
import type { ModelConfig } from "../checkpoint/format.js";
import type { Architecture } from "./architecture.js";
import { blipCaption } from "./blip-caption.js";
import { blipItm } from "./blip-itm.js";
import { blipVqa } from "./blip-vqa.js";
import { idefics3, smolvlm } from "./idefics3.js";
import { llava } from "./llava.js";

/** Every architecture there is, by name: a new one is a file beside the others and a line here. */
export const ARCHITECTURES = {
  [blipVqa.name]: blipVqa,
  [blipItm.name]: blipItm,
  [blipCaption.name]: blipCaption,
  [idefics3.name]: idefics3,
  [smolvlm.name]: smolvlm,
  [llava.name]: llava,
} as const;

/** The name of one of them. */
export type ArchitectureName = keyof typeof ARCHITECTURES;

export const NAMES = namesOf(ARCHITECTURES);

/** All of them, where it does not matter which is which. */
export const KNOWN: readonly Architecture[] = Object.values(ARCHITECTURES);

/** One of them, with its towers and sites as literals. */
export type ArchitectureOf<A extends ArchitectureName = ArchitectureName> = (typeof ARCHITECTURES)[A];

/** The towers of an architecture by name. */
export type TowersOf<A extends ArchitectureName> = ArchitectureOf<A>["towers"];

export type TowerName<A extends ArchitectureName = ArchitectureName> = A extends ArchitectureName
  ? keyof TowersOf<A> & string
  : never;

/**
 * What a checkpoint is, and its shapes.
 *
 * @param json the text of its config.json. @param warn told of repaired mistakes.
 * @throws NoticeError `checkpoint` where no architecture is this one, with those that are known; naming the field where
 * one is wrong.
 */
export function readConfig(
  json: string,
  file: string,
  warn: (message: string) => void = console.warn,
  generation?: string,
): { architecture: Architecture; config: ModelConfig } {
  const found = parseJson(json, file) as { readonly architectures?: readonly unknown[] } | null;
  const className = found?.architectures?.[0];
  const architecture =
    className === undefined ? KNOWN[0] : KNOWN.find(({ checkpoint }) => checkpoint.className === className);
  if (!architecture)
    throw new NoticeError(
      "checkpoint",
      `${file} is of the architecture ${shown(className)}; known are ${KNOWN.map(({ checkpoint }) => checkpoint.className).join(", ")}.`,
    );
  return { architecture, config: architecture.checkpoint.config(json, file, warn, generation) };
}
