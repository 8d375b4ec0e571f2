import ts from "typescript";

// The mutants of a file: one operator, constant or statement of it changed. Types have none, nor has what only imports
// or exports.

/** One change of a file's text. */
export interface Mutant {
  /** From the repository's root. */
  readonly file: string;
  /** Of its first character, from 1. */
  readonly line: number;
  readonly column: number;
  /** Of the text that it replaces. */
  readonly start: number;
  readonly end: number;
  readonly before: string;
  readonly after: string;
}

const OPERATORS: Readonly<Record<string, string>> = {
  "<": "<=",
  "<=": "<",
  ">": ">=",
  ">=": ">",
  "===": "!==",
  "!==": "===",
  "&&": "||",
  "||": "&&",
  "+": "-",
  "-": "+",
  "*": "/",
  "/": "*",
  "%": "*",
  "+=": "-=",
  "-=": "+=",
  "*=": "/=",
  "/=": "*=",
  "++": "--",
  "--": "++",
};

/** Functions whose names stand for opposites. */
const OPPOSITES: Readonly<Record<string, string>> = {
  min: "max",
  max: "min",
  floor: "ceil",
  ceil: "floor",
  some: "every",
  every: "some",
};

/** Every mutant of a file's text, in the order of the text. */
export function mutantsOf(file: string, text: string): Mutant[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  const mutants: Mutant[] = [];
  const change = (node: ts.Node, after: string) => {
    const start = node.getStart(source);
    const { line, character } = source.getLineAndCharacterOfPosition(start);
    const before = text.slice(start, node.end);
    mutants.push({ file, line: line + 1, column: character + 1, start, end: node.end, before, after });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return;
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return;
    mutateOperator(node, change);
    mutateValue(node, change);
    mutateStatement(node, change);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return mutants.sort((a, b) => a.start - b.start);
}

/** The text with the mutant's change. */
export function applied(mutant: Mutant, text: string): string {
  return text.slice(0, mutant.start) + mutant.after + text.slice(mutant.end);
}

type Change = (node: ts.Node, after: string) => void;

function mutateOperator(node: ts.Node, change: Change): void {
  if (ts.isBinaryExpression(node)) {
    const { left, right, operatorToken } = node;
    const after = OPERATORS[operatorToken.getText()];
    if (after !== undefined && ![left, right].some(isText)) change(operatorToken, after);
    // A default that is left out.
    if (operatorToken.kind === ts.SyntaxKind.QuestionQuestionToken) change(node, left.getText());
  }
  if (ts.isPrefixUnaryExpression(node)) {
    if (node.operator === ts.SyntaxKind.ExclamationToken) change(node, node.operand.getText());
    if (node.operator === ts.SyntaxKind.MinusToken) change(node, node.operand.getText());
  }
  if (ts.isPropertyAccessExpression(node) && ts.isCallExpression(node.parent) && node.parent.expression === node) {
    const after = Object.hasOwn(OPPOSITES, node.name.text) ? OPPOSITES[node.name.text] : undefined;
    if (after !== undefined) change(node.name, after);
  }
}

function isText(node: ts.Node): boolean {
  return ts.isStringLiteralLike(node) || ts.isTemplateExpression(node);
}

function mutateValue(node: ts.Node, change: Change): void {
  if (node.kind === ts.SyntaxKind.TrueKeyword) change(node, "false");
  if (node.kind === ts.SyntaxKind.FalseKeyword) change(node, "true");
  if (ts.isNumericLiteral(node) && !(ts.isPropertyAssignment(node.parent) && node.parent.name === node)) {
    const value = Number(node.text);
    if (Number.isInteger(value) && value < 1e6)
      for (const other of [value + 1, value - 1]) change(node, `${brackets(other)}`);
    else change(node, `${value * 2}`);
  }
  // A condition negated, where a comparison within it is not: that is a mutant already.
  const condition =
    ts.isIfStatement(node) || ts.isWhileStatement(node)
      ? node.expression
      : ts.isConditionalExpression(node)
        ? node.condition
        : undefined;
  if (condition !== undefined && !isComparison(condition)) change(condition, `!(${condition.getText()})`);
}

function brackets(value: number): string {
  return value < 0 ? `(${value})` : `${value}`;
}

function isComparison(node: ts.Expression): boolean {
  if (ts.isPrefixUnaryExpression(node)) return node.operator === ts.SyntaxKind.ExclamationToken;
  return ts.isBinaryExpression(node) && /^[!=]==$/.test(node.operatorToken.getText());
}

function mutateStatement(node: ts.Node, change: Change): void {
  // A call whose value nobody takes.
  if (ts.isExpressionStatement(node)) {
    const call = ts.isAwaitExpression(node.expression) ? node.expression.expression : node.expression;
    if (ts.isCallExpression(call) && call.expression.kind !== ts.SyntaxKind.SuperKeyword) change(node, ";");
  }
  // An early exit.
  if (ts.isIfStatement(node) && node.elseStatement === undefined && isExit(node.thenStatement))
    change(node.thenStatement, "{}");
}

function isExit(statement: ts.Statement): boolean {
  if (ts.isBlock(statement)) return statement.statements.length === 1 && isExit(statement.statements[0]!);
  return (
    ts.isReturnStatement(statement) ||
    ts.isThrowStatement(statement) ||
    ts.isContinueStatement(statement) ||
    ts.isBreakStatement(statement)
  );
}
