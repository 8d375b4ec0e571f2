import * as library from "@huggingface/jinja";

// The parts of Jinja that are used: the package's own typings do not resolve under NodeNext (their imports lack file
// extensions).

export interface Token {
  readonly type: string;
  readonly value: string;
}
export interface Node {
  readonly type: string;
}
export interface Environment {
  set(name: string, value: unknown): void;
}
interface Evaluator {
  evaluate(statement: unknown, environment: unknown): { readonly value: unknown };
  run(program: Node): { readonly value: unknown };
}

export const { tokenize, parse, Environment, Interpreter } = library as unknown as {
  tokenize: (source: string, options: { trim_blocks: boolean; lstrip_blocks: boolean }) => Token[];
  parse: (tokens: readonly Token[]) => Node;
  Environment: new () => Environment;
  Interpreter: new (environment: Environment) => Evaluator;
};
