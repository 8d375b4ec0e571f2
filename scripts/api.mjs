import { readFileSync, writeFileSync } from "node:fs";
import ts from "typescript";

// `npm run api` writes what the package exports, entry by entry, into docs/api.txt, so that a change of it is seen in a
// review. `npm run api -- --check` fails where the file says something else.

const FILE = "docs/api.txt";
const { exports } = JSON.parse(readFileSync("package.json", "utf8"));
const { config } = ts.readConfigFile("tsconfig.json", ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ".");
const sources = Object.fromEntries(
  Object.entries(exports).flatMap(([entry, { types }]) =>
    types ? [[entry, types.replace("./dist/", "src/").replace(".d.ts", ".ts")]] : [],
  ),
);
const program = ts.createProgram(Object.values(sources), options);
const checker = program.getTypeChecker();
const FLAGS = ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.UseAliasDefinedOutsideCurrentScope;

const lines = [];
for (const [entry, file] of Object.entries(sources)) {
  lines.push(`## vlm-notice${entry.slice(1)}`, "");
  const module = checker.getSymbolAtLocation(program.getSourceFile(file));
  const symbols = module ? checker.getExportsOfModule(module) : [];
  for (const symbol of symbols.sort((a, b) => (a.name < b.name ? -1 : 1))) lines.push(...described(symbol));
  lines.push("");
}
const text = `${lines.join("\n").trimEnd()}\n`;
if (!process.argv.includes("--check")) writeFileSync(FILE, text);
else if (readFileSync(FILE, "utf8") !== text) {
  process.stderr.write(
    `What the package exports is not what ${FILE} says; see \`npm run api\` and \`git diff ${FILE}\`.\n`,
  );
  process.exitCode = 1;
}

/** A line for a value or a type, and one for each member of a class. */
function described(exported) {
  const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
  const node = symbol.declarations[0];
  const typeOf = (member) => checker.typeToString(checker.getTypeOfSymbol(member), node, FLAGS);
  if (symbol.flags & ts.SymbolFlags.Class) {
    const members = checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol)).filter(isPublic);
    const nameOf = ({ name }) => name.replace(/^__@([a-z]\w+)@\d+$/, "[Symbol.$1]").replace(/^__@(\w+)@\d+$/, "[$1]");
    return [`class ${exported.name}`, ...members.map((member) => `  ${nameOf(member)}: ${typeOf(member)}`)];
  }
  if (symbol.flags & ts.SymbolFlags.Function)
    return checker
      .getTypeOfSymbol(symbol)
      .getCallSignatures()
      .map((one) => `function ${exported.name}${checker.signatureToString(one, node, FLAGS)}`);
  if (symbol.flags & ts.SymbolFlags.Value) return [`const ${exported.name}: ${typeOf(symbol)}`];
  return [`type ${withoutComments(node)}`];
}

function isPublic({ name, declarations }) {
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
  return !/^(__)?#/.test(name) && !(ts.getCombinedModifierFlags(declarations[0]) & hidden);
}

/** A declaration in one line, without `export` and its comments. */
function withoutComments(node) {
  const printer = ts.createPrinter({ removeComments: true });
  const printed = printer.printNode(ts.EmitHint.Unspecified, node, node.getSourceFile());
  return printed.replace(/^export (declare )?(type|interface) /, "").replace(/\s+/g, " ");
}
