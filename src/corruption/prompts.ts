import { NoticeError } from "../base/errors.js";
import { nearest } from "../base/nearest.js";
import { Environment, Interpreter, type Node, parse, type Token, tokenize } from "../words/jinja.js";

const MAX_TEMPLATE = 2000;
const MAX_QUESTION = 4096;

/**
 * The questions of NOTICE, section 3.1. `first` and `second` are the alternatives, in the order in which they are
 * named.
 */
export const TEMPLATES = {
  /** The place that is asked about holds both alternatives: "woman or man". */
  "svo-probes": "is {{ subject }} {{ verb }} {{ object }}?",
  "mit-states": "Is this {{ noun }} {{ first }} or {{ second }}?",
  faces: "Is this person feeling {{ first }} or {{ second }}?",
} as const;

/** The same as sentences of which one word makes them true or false. */
export const SENTENCES = {
  "svo-probes": "{{ subject }} {{ verb }} {{ object }}",
  "mit-states": "a photo of {{ article }} {{ word }} {{ noun }}",
  faces: "this person is feeling {{ word }}",
} as const;

/** Writes a question of these variables. @throws NoticeError `options` where it comes out empty or too long. */
export type Writer<Name extends string> = (values: Readonly<Record<Name, string>>) => string;

/**
 * A question from a Jinja template. It is a stranger's program, so it gets strings, conditions and joining, and nothing
 * else: no loops, no assignments, no macros, no calls, no members, and of filters those that change letters. What it
 * can write is bounded by its own length. White space is one space.
 *
 * @param source at most 2000 characters.
 * @param variables the names that it may use.
 * @throws NoticeError `options` with the place of what is no Jinja, or not allowed.
 * @example questionTemplate("is it {{ one }} or {{ other }}?", ["one", "other"])({ one: "red", other: "blue" })
 */
export function questionTemplate<Name extends string>(source: string, variables: readonly Name[]): Writer<Name> {
  if (source.length > MAX_TEMPLATE)
    throw templateError(source, `it has ${source.length} characters; at most ${MAX_TEMPLATE} are allowed`);
  const program = parsed(source);
  checkNode(program, (what) => templateError(source, what), variables);
  return (values) => {
    const environment = new Environment();
    for (const name of variables) environment.set(name, values[name]);
    const text = written(program, environment, source).replace(/\s+/g, " ").trim();
    if (text === "" || text.length > MAX_QUESTION)
      throw templateError(source, `it writes ${text.length} characters; a question has from 1 to ${MAX_QUESTION}`);
    return text;
  };
}

function templateError(source: string, what: string, cause?: unknown): NoticeError {
  const shown = source.length > 80 ? `${source.slice(0, 80)}…` : source;
  return new NoticeError("options", `The template ${JSON.stringify(shown)} is refused: ${what}.`, { cause });
}

function written(program: Node, environment: Environment, source: string): string {
  try {
    return String(new Interpreter(environment).run(program).value);
  } catch (cause) {
    throw templateError(source, messageOf(cause), cause);
  }
}

/** The library says what is wrong and never where: that is the last tag it has come to. */
function parsed(source: string): Node {
  const starts = Array.from(source.matchAll(/\{[{%#]/g), ({ index }) => index);
  const fail = (tag: number, cause: unknown) => {
    const start = starts[Math.max(0, tag)] ?? 0;
    const end = Math.min(starts[tag + 1] ?? source.length, start + 40);
    const where = `at character ${start + 1}, ${JSON.stringify(source.slice(start, end))}`;
    return templateError(source, `it is no Jinja ${where}: ${messageOf(cause)}`, cause);
  };
  let tokens: Token[];
  try {
    tokens = read(source);
  } catch (cause) {
    throw fail(
      starts.findIndex((_, tag) => !isReadable(source.slice(0, starts[tag + 1] ?? source.length))),
      cause,
    );
  }
  let furthest = 0;
  const watched = new Proxy(tokens, {
    get(target, key) {
      if (typeof key === "string" && /^\d+$/.test(key)) furthest = Math.max(furthest, Number(key));
      return Reflect.get(target, key);
    },
  });
  try {
    return parse(watched);
  } catch (cause) {
    const tags = tokens
      .slice(0, furthest + 1)
      .filter(({ type }) => /^Open(Statement|Expression)$|^Comment$/.test(type));
    throw fail(tags.length - 1, cause);
  }
}

/** As the library's own `Template` does. */
const read = (source: string) => tokenize(source, { trim_blocks: true, lstrip_blocks: true });

function isReadable(source: string): boolean {
  try {
    read(source);
    return true;
  } catch {
    return false;
  }
}

/** The library runs into the end of a template with an error of JavaScript's. */
function messageOf(error: unknown): string {
  if (error instanceof TypeError) return "it ends too early";
  if (error instanceof RangeError) return "it is nested too deeply";
  return (error as Error).message.replace(/\.$/, "");
}

const FILTERS = ["capitalize", "lower", "title", "trim", "upper"];
const OPERATORS = ["==", "!=", "and", "or", "in", "not in", "not", "+", "~"];

/** The fields of each kind of node that hold nodes. What is not here is not allowed. */
const CHILDREN: Record<string, readonly string[]> = {
  Program: ["body"],
  Comment: [],
  StringLiteral: [],
  If: ["test", "body", "alternate"],
  Ternary: ["condition", "trueExpr", "falseExpr"],
  SelectExpression: ["lhs", "test"],
  BinaryExpression: ["left", "right"],
  UnaryExpression: ["argument"],
  FilterExpression: ["operand"],
};

function checkNode(node: Node, refuse: (what: string) => NoticeError, variables: readonly string[]): void {
  const fields = node as unknown as Record<string, unknown>;
  if (node.type === "Identifier") {
    const name = fields.value as string;
    if (variables.includes(name)) return;
    const known = `it has ${variables.join(", ")}; did you mean ${nearest(name, variables)}?`;
    throw refuse(`there is no variable ${JSON.stringify(name)}: ${known}`);
  }
  const children = Object.hasOwn(CHILDREN, node.type) ? CHILDREN[node.type]! : undefined;
  if (!children) throw refuse(`${node.type} is not allowed: give text, variables, conditions and ~`);
  const { value: operator } = (fields.operator ?? {}) as Partial<Token>;
  if (operator !== undefined && !OPERATORS.includes(operator))
    throw refuse(`the operator ${operator} is not allowed: there are ${OPERATORS.join(", ")}`);
  if (node.type === "FilterExpression") {
    const { type, value } = fields.filter as Token;
    if (type !== "Identifier" || !FILTERS.includes(value))
      throw refuse(`this filter is not allowed: there are ${FILTERS.join(", ")}`);
  }
  for (const name of children) for (const child of [fields[name]].flat() as Node[]) checkNode(child, refuse, variables);
}
