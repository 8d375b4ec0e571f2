import type { Task } from "../src/data/scenes/scene.js";
import { type HeadPlace, headName } from "../src/patching/head-place.js";
import { isModelName } from "./offered.js";
import { MOST_SCENES, TASKS } from "./scenes.js";
import { HOWS, type How } from "./shown.js";

/** All that the page's address holds. Own pictures are not in it: they stay on their machine. */
export interface State {
  readonly task: Task;
  /** Which scene. */
  readonly scene: number;
  /** Where they differ from the scene's own. */
  readonly question?: string | undefined;
  readonly answers?: readonly [string, string] | undefined;
  readonly selected?: HeadPlace | undefined;
  readonly token?: number | undefined;
  readonly off: readonly HeadPlace[];
  readonly how: How;
  /** A model beside the page's own, by the name that the page has for it. */
  readonly beside?: string | undefined;
  readonly besideHead?: HeadPlace | undefined;
  /** What it is asked, where that is not the scene's own. */
  readonly besideQuestion?: string | undefined;
  readonly besideAnswers?: readonly [string, string] | undefined;
  /** Over how many scenes both are compared. */
  readonly over?: number | undefined;
}

export const START: State = { task: "attributes", scene: 39, off: [], how: "corrupted" };

const LONGEST_ADDRESS = 2000;
const LONGEST_QUESTION = 200;
const LONGEST_ANSWER = 40;
const MOST_OFF = 64;

/** The state as an address has it after its #. */
export function stateHash(state: State): string {
  const { task, scene, question, answers, selected, token, off, how, beside } = state;
  const parts: [string, string | undefined][] = [
    ["task", task],
    ["scene", `${scene}`],
    ["question", question],
    ["answers", answers?.join(",")],
    ["head", selected && headName(selected)],
    ["token", token === undefined ? undefined : `${token}`],
    ["off", off.length > 0 ? off.map(headName).join(",") : undefined],
    ["how", off.length > 0 ? how : undefined],
    ...(beside === undefined ? [] : besideParts(state)),
  ];
  return new URLSearchParams(parts.filter((part): part is [string, string] => part[1] !== undefined)).toString();
}

const besideParts = (state: State): [string, string | undefined][] => [
  ["beside", state.beside],
  ["besidehead", state.besideHead && headName(state.besideHead)],
  ["besidequestion", state.besideQuestion],
  ["besideanswers", state.besideAnswers?.join(",")],
  ["over", state.over === undefined ? undefined : `${state.over}`],
];

/**
 * The state of an address, which anybody may have written; undefined where it is none. Nothing of a wrong one is used.
 */
export function parseState(hash: string): State | undefined {
  const text = hash.replace(/^#/, "");
  if (text.length > LONGEST_ADDRESS) return undefined;
  const given = new URLSearchParams(text);
  const keys = [...given.keys()];
  if (new Set(keys).size < keys.length || keys.some((key) => !Object.hasOwn(READERS, key))) return undefined;
  const read: Record<string, unknown> = {};
  for (const [key, value] of given) {
    const found = READERS[key as keyof typeof READERS](value);
    if (found === undefined) return undefined;
    read[NAMES[key] ?? key] = found;
  }
  if (!given.has("beside") && BESIDE.some((key) => given.has(key))) return undefined;
  return { ...START, ...read };
}

const NAMES: Readonly<Record<string, keyof State>> = {
  head: "selected",
  besidehead: "besideHead",
  besidequestion: "besideQuestion",
  besideanswers: "besideAnswers",
};

const BESIDE = ["besidehead", "besidequestion", "besideanswers", "over"];

/** Over how many scenes two models can be compared. */
export const OVERS = [12, 24, 48, 96] as const;

const READERS = {
  task: (value: string) => TASKS.find((task) => task === value),
  scene: (value: string) => whole(value, MOST_SCENES),
  question: (value: string) => plain(value, LONGEST_QUESTION),
  answers: answersOf,
  head: headOf,
  token: (value: string) => whole(value, 100_000),
  off: (value: string) => {
    const heads = value.split(",").map(headOf);
    return heads.length <= MOST_OFF && heads.every((head) => head !== undefined) ? heads : undefined;
  },
  how: (value: string) => HOWS.find((how) => how === value),
  beside: (value: string) => (isModelName(value) ? value : undefined),
  besidehead: headOf,
  besidequestion: (value: string) => plain(value, LONGEST_QUESTION),
  besideanswers: answersOf,
  over: (value: string) => OVERS.find((over) => `${over}` === value),
};

function answersOf(value: string) {
  const answers = value.split(",").map((one) => plain(one, LONGEST_ANSWER));
  return answers.length === 2 && answers.every((one) => one !== undefined) ? answers : undefined;
}

/** A number below a limit, as this page writes it. */
function whole(value: string, limit: number): number | undefined {
  return /^(0|[1-9]\d{0,6})$/.test(value) && Number(value) < limit ? Number(value) : undefined;
}

function plain(value: string, longest: number): string | undefined {
  const isPlain = value.trim().length > 0 && value.length <= longest && !/[\p{C}\p{Zl}\p{Zp}]/u.test(value);
  return isPlain ? value : undefined;
}

function headOf(value: string): HeadPlace | undefined {
  const [, layer, head] = /^L(\d{1,3})H(\d{1,3})$/.exec(value) ?? [];
  return layer === undefined ? undefined : { layer: Number(layer), head: Number(head) };
}
