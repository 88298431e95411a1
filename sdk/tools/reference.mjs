// Prints, as JSON, what each entry of the package exports: signatures and docstrings. Ends with 1 if one has none.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import "./generate.mjs";

const PACKAGE = new URL("..", import.meta.url);
const ENTRIES = {
  "@rxauth/sdk": "src/index.ts",
  "@rxauth/sdk/react": "src/react.ts",
  "@rxauth/sdk/operations": "src/operations.ts",
  "@rxauth/sdk/testing": "testing/index.ts",
};
const SHOWN_VALUES = 20;

const named = process.argv.slice(2);
const entries = named.length
  ? named.map((file) => [file, file])
  : Object.entries(ENTRIES).map(([name, file]) => [name, fileURLToPath(new URL(file, PACKAGE))]);
const { NodeNext } = ts.ModuleKind;
const program = ts.createProgram(
  entries.map(([, file]) => file),
  { noLib: true, types: [], module: NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext },
);
const checker = program.getTypeChecker();
const missing = [];

/** Returns the docstring of a declaration, with what it throws; named: it must have one. */
function documented(node, named) {
  const [comment] = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  const text = ts.getTextOfJSDocComment(comment?.comment) ?? "";
  if (!text) missing.push(named);
  // The compiler takes the name of a thrown class for the word before the text.
  const thrown = (comment?.tags ?? [])
    .filter((tag) => tag.tagName.text === "throws")
    .map((tag) =>
      tag
        .getText()
        .replace(/^@throws\s+(\w+)/, "Throws `$1`:")
        .replace(/[\s*]+/g, " "),
    );
  return [text, ...thrown].filter(Boolean).join("\n\n").trim();
}

/** Returns a declaration as it is written, with the docstrings in it, and without what it does. */
function written(node, name) {
  const { text } = node.getSourceFile();
  const between = (start, end) =>
    text.slice(start, end).replace(/^(\s*(\/\*\*.*?\*\/\s*)?)(export|declare|override) /s, "$1");
  if (ts.isFunctionDeclaration(node)) return between(node.getStart(), node.body.pos).trim();
  if (!node.members) return between(node.getStart(), node.end).replace(/;$/, "");
  const members = node.members.filter((one) => !/^(\[|__)/.test(one.name?.getText() ?? ""));
  for (const one of members.filter((one) => ts.isMethodSignature(one) || ts.isMethodDeclaration(one)))
    documented(one, `${name}.${one.name.getText()}`);
  const shown = members.map((one) => between(one.getFullStart(), one.body?.pos ?? one.end).replace(/;?$/, ";"));
  return `${between(node.getStart(), node.members.pos)}${shown.join("")}\n}`;
}

/** Returns the values of a type that is one of them; empty: it is another kind of type. */
function valuesOf(node) {
  const type = checker.getTypeAtLocation(node.name);
  return type.isUnion() && type.types.every((one) => one.isStringLiteral()) ? type.types.map((one) => one.value) : [];
}

function described(name, node) {
  if (ts.isVariableDeclaration(node)) {
    const type = node.initializer.type.getText();
    return { name, doc: documented(node.parent.parent, name), operation: /"(\w+)">$/.exec(type)[1] };
  }
  const values = ts.isTypeAliasDeclaration(node) ? valuesOf(node) : [];
  const shown = values.slice(0, SHOWN_VALUES).map((one) => `\n  | ${JSON.stringify(one)}`);
  const listed = `type ${name} =${shown.join("")}${values.length > SHOWN_VALUES ? "\n  | …" : ""}`;
  return { name, doc: documented(node, name), signature: values.length ? listed : written(node, name) };
}

const pages = entries.map(([entry, file]) => {
  const source = program.getSourceFile(file);
  const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(source)).map((symbol) => {
    const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    const node = target.declarations[0];
    const isGenerated = node.getSourceFile().fileName.endsWith("/generated/operations.ts");
    return isGenerated && !ts.isVariableDeclaration(node) ? undefined : described(symbol.name, node);
  });
  const doc = /^(?:"use client";\s*)?\/\*\*\s*(.*?)\s*\*\//s.exec(readFileSync(file, "utf8"))?.[1];
  if (!doc) missing.push(entry);
  return { entry, doc, exports: exported.filter(Boolean) };
});

if (missing.length) {
  console.error(`No docstring: ${missing.join(", ")}`);
  process.exitCode = 1;
} else {
  console.log(JSON.stringify(pages));
}
