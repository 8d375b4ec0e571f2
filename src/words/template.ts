import { NoticeError } from "../base/errors.js";
import { parseJson } from "../base/json.js";
import type { CheckpointFiles } from "../base/source.js";
import { Environment, Interpreter, parse, tokenize } from "./jinja.js";

// Chat templates are programs that a stranger wrote. They run in an interpreter that reaches nothing but what is given
// to it, and their steps, their texts and their time are bounded.

const MOST_STEPS = 200_000;
const MOST_CHARACTERS = 200_000;
const MOST_MILLISECONDS = 2_000;
const MOST_ITEMS = 10_000;

/** A message of a chat, whose picture comes before its text. */
export interface Message {
  readonly role: string;
  readonly content: readonly ({ readonly type: "image" } | { readonly type: "text"; readonly text: string })[];
}

/** Special tokens by name, such as `bos_token`. */
type Names = Readonly<Record<string, unknown>>;

/** A template that loops, or that cannot be rendered. */
class Bound extends Error {}

class BoundedInterpreter extends Interpreter {
  #steps = 0;
  readonly #end = Date.now() + MOST_MILLISECONDS;

  override evaluate(statement: unknown, environment: unknown): { readonly value: unknown } {
    if (++this.#steps > MOST_STEPS || Date.now() > this.#end) throw new Bound("it does not come to an end");
    const found = super.evaluate(statement, environment);
    const { value } = found;
    if (typeof value === "string" && value.length > MOST_CHARACTERS)
      throw new Bound(`it makes a text of more than ${MOST_CHARACTERS} characters`);
    if (Array.isArray(value) && value.length > MOST_ITEMS)
      throw new Bound(`it makes a list of more than ${MOST_ITEMS}`);
    return found;
  }
}

/**
 * @throws NoticeError `checkpoint` where it loops, grows without end, asks for what is not there, or is no template.
 */
export function render(template: string, file: string, messages: readonly Message[], names: Names = {}): string {
  const bad = (why: string, cause?: unknown) =>
    new NoticeError("checkpoint", `${file}: the chat template cannot be used: ${why}.`, { cause });
  if (template.length > MOST_CHARACTERS) throw bad(`it has more than ${MOST_CHARACTERS} characters`);
  try {
    const environment = new Environment();
    const set = (name: string, value: unknown) => environment.set(name, value);
    for (const [name, value] of Object.entries({ ...CONSTANTS, ...names })) set(name, value);
    set("range", range);
    set("raise_exception", (why: unknown) => {
      throw new Bound(`it refuses the question: ${String(why)}`);
    });
    set("messages", messages);
    set("add_generation_prompt", true);
    const program = parse(tokenize(template, { lstrip_blocks: true, trim_blocks: true }));
    return String(new BoundedInterpreter(environment).run(program).value);
  } catch (cause) {
    throw bad((cause as Error).message, cause);
  }
}

const CONSTANTS = { true: true, True: true, false: false, False: false, none: null, None: null };

function range(start: number, stop?: number, step = 1): number[] {
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  const count = Math.max(0, Math.ceil((to - from) / step));
  if (!(count <= MOST_ITEMS)) throw new Bound(`it makes a list of more than ${MOST_ITEMS}`);
  return Array.from({ length: count }, (_, i) => from + i * step);
}

/**
 * A checkpoint's chat template, from wherever it is kept, with the file's name.
 *
 * @throws NoticeError `checkpoint`
 */
export async function findTemplate(
  files: CheckpointFiles,
): Promise<{ readonly template: string; readonly file: string } | undefined> {
  const plain = await files.text("chat_template.jinja");
  if (plain !== undefined) return { template: plain, file: `${files.name}/chat_template.jinja` };
  for (const name of ["chat_template.json", "processor_config.json", "tokenizer_config.json"]) {
    const text = await files.text(name);
    if (text === undefined) continue;
    const file = `${files.name}/${name}`;
    const found = (parseJson(text, file) as { chat_template?: unknown } | null)?.chat_template;
    const template = Array.isArray(found) ? defaultOf(found) : found;
    if (typeof template === "string") return { template, file };
  }
  return undefined;
}

/** Of several templates the one called `default`. */
const defaultOf = (list: readonly unknown[]): unknown =>
  (list as readonly ({ name?: unknown; template?: unknown } | null)[]).find((one) => one?.name === "default")?.template;
