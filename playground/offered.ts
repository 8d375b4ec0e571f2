/** A model that the page can open. */
export interface OfferedModel {
  readonly name: string;
  /** Of its folder, from the page's. */
  readonly address: string;
  /** As a command names it. */
  readonly from: string;
  /** In a few words, what it does. */
  readonly does?: string | undefined;
}

/** The file beside the page that says which there are. */
export const MODELS = "models.json";

/** Those of `models.json`, the page's own first; of a folder that has no such file none. */
export async function offeredModels(page: string): Promise<OfferedModel[]> {
  try {
    const response = await fetch(new URL(MODELS, page));
    return response.ok ? readModels(await response.json()) : [];
  } catch {
    return [];
  }
}

/** What is no model of this page is left out: a list may be a stranger's. */
export function readModels(list: unknown): OfferedModel[] {
  return Array.isArray(list) ? list.filter(isModel) : [];
}

function isModel(one: Partial<OfferedModel> | null): one is OfferedModel {
  const { name, address, from, does } = one ?? {};
  const isPlace = typeof address === "string" && /^(model|models\/[\w-][\w.-]{0,99})$/.test(address);
  return isModelName(name) && isPlace && isText(from) && (does === undefined || isText(does));
}

const isText = (text: unknown): text is string => typeof text === "string" && text.length < 4096;

/** As an address of the page may name one. */
export const isModelName = (name: unknown): name is string =>
  typeof name === "string" && /^[\w-][\w.-]{0,99}$/.test(name);
