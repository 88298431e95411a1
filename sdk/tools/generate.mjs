// Makes src/generated and dist/schema.graphql of the server's own files: what the API takes, answers and asks for.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import {
  buildSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
  valueFromASTUntyped,
} from "graphql";

const ROOT = new URL("../..", import.meta.url);
const DEPTH_LIMIT = 5;
// Whoever sees these records sees whose they are.
const SHOWN = { "Prescription.patient": "{ id name { full } }", "Order.patient": "{ id name { full } }" };

const files = readdirSync(new URL("src/rxauth/api/", ROOT)).filter((name) => name.endsWith(".graphql"));
const source = files
  .sort()
  .map((name) => readFileSync(new URL(`src/rxauth/api/${name}`, ROOT), "utf8"))
  .join("\n");
const schema = buildSchema(source);

/** Returns the permissions one of which opens a field; undefined: none is named. */
function permissionsOf(field) {
  const directive = field.astNode?.directives?.find((one) => one.name.value === "requires");
  return directive && valueFromASTUntyped(directive.arguments[0].value);
}

/** Returns a type in TypeScript; named: how the innermost type is written. */
function typed(type, named) {
  if (isNonNullType(type)) return required(type.ofType, named);
  return `${required(type, named)} | null`;
}

function required(type, named) {
  return isListType(type) ? `readonly (${typed(type.ofType, named)})[]` : named(type);
}

const SCALARS = { Int: "number", Float: "number", Boolean: "boolean" };
const leaf = (type) => (isEnumType(type) || isInputObjectType(type) ? type.name : (SCALARS[type.name] ?? "string"));

/** Returns what an operation asks of a type: the document's text and the answer's type. */
function selection(type, open, path) {
  const fields = Object.values(type.getFields?.() ?? {}).flatMap((field) => chosen(type, field, open, path));
  const name = isObjectType(type) ? `"${type.name}"` : "string";
  const abstract = isInterfaceType(type) || isUnionType(type);
  const own = abstract ? [["__typename", `readonly __typename: ${name}`], ...fields] : fields;
  if (!own.length) return undefined;
  const members = isUnionType(type) ? type.getTypes().map((one) => [one, selection(one, open, path)]) : [];
  const text = [
    ...own.map(([document]) => document),
    ...members.map(([one, { text }]) => `... on ${one.name} ${text}`),
  ];
  const answers = members.length
    ? members.map(([one, { answer }]) => `({ readonly __typename: "${one.name}" } & ${answer})`).join(" | ")
    : `{ ${own.map(([, answer]) => answer).join("; ")} }`;
  return { text: `{ ${text.join(" ")} }`, answer: answers };
}

function chosen(parent, field, open, path) {
  if (field.args.some((one) => isNonNullType(one.type))) return [];
  const type = getNamedType(field.type);
  const shown = SHOWN[`${parent.name}.${field.name}`];
  if (shown) return [[`${field.name} ${shown}`, `readonly ${field.name}: ${typed(field.type, () => PERSON)}`]];
  const wanted = permissionsOf(field);
  if (wanted && !wanted.some((one) => open.includes(one))) return [];
  if (isLeafType(type)) return [[field.name, `readonly ${field.name}: ${typed(field.type, leaf)}`]];
  if (field.args.length || path.includes(type.name) || path.length >= DEPTH_LIMIT) return [];
  const below = selection(type, open, [...path, type.name]);
  if (!below) return [];
  return [[`${field.name} ${below.text}`, `readonly ${field.name}: ${typed(field.type, () => below.answer)}`]];
}

const PERSON = "{ readonly id: string; readonly name: { readonly full: string } }";
const capital = (name) => name[0].toUpperCase() + name.slice(1);
const comment = (...lines) => `/** ${lines.filter(Boolean).join(" ").replaceAll("*/", "* /")} */\n`;

/** Returns the operation of one field of Query or Mutation. */
function operation(kind, field) {
  const type = getNamedType(field.type);
  const open = permissionsOf(field) ?? [];
  const below = isLeafType(type) ? { text: "", answer: leaf(type) } : selection(type, open, [type.name]);
  const declared = field.args.map((one) => `$${one.name}: ${one.type}`).join(", ");
  const passed = field.args.map((one) => `${one.name}: $${one.name}`).join(", ");
  const variables = field.args.map((one) => argument(one)).join(" ");
  const text = `${kind} ${field.name}${declared && `(${declared})`} { ${field.name}${passed && `(${passed})`} ${below.text} }`;
  const name = capital(field.name);
  const needs = open.length ? `Needs ${open.map((one) => `\`${one}\``).join(" or ")}.` : "";
  return (
    `export type ${name}Variables = { ${variables} };\n` +
    `export type ${name}Data = { readonly ${field.name}: ${typed(field.type, () => below.answer)} };\n` +
    comment(field.description, needs) +
    `export const ${field.name} = ${JSON.stringify(text.trim())} as Operation<${name}Data, ${name}Variables, "${kind}">;\n`
  );
}

function argument({ name, type, defaultValue, description }) {
  const optional = isNonNullType(type) && defaultValue === undefined ? "" : "?";
  return `${description ? comment(description).trim() : ""} readonly ${name}${optional}: ${typed(type, leaf)};`;
}

/** Returns the declaration of an enum or an input. */
function declaration(type) {
  if (isEnumType(type)) {
    const values = type.getValues().map((one) => JSON.stringify(one.name));
    return `${type.description ? comment(type.description) : ""}export type ${type.name} = ${values.join(" | ")};\n`;
  }
  const fields = Object.values(type.getFields()).map((one) => `  ${argument(one)}\n`);
  return `${type.description ? comment(type.description) : ""}export type ${type.name} = {\n${fields.join("")}};\n`;
}

/** Returns the names that a column of a page's tables lists. */
function listed(page, row) {
  return [...readFileSync(new URL(page, ROOT), "utf8").matchAll(row)].map((one) => JSON.stringify(one[1]));
}

const types = Object.values(schema.getTypeMap()).filter((one) => !one.name.startsWith("__"));
const named = types.filter((one) => isEnumType(one) || isInputObjectType(one)).map(declaration);
const operations = ["query", "mutation"].flatMap((kind) => {
  const root = kind === "query" ? schema.getQueryType() : schema.getMutationType();
  return Object.values(root.getFields()).map((field) => operation(kind, field));
});
const permissions = listed("docs/permissions.md", /^\| `([\w:]+)` \| [^|]+(?:\|[^|\n]*){7}\|$/gm);
const codes = listed("docs/errors.md", /^\| `([A-Z_]+)` \|/gm);

/** Writes a file unless it is as it should be: somebody else may be reading it. */
function write(path, text) {
  const file = new URL(path, import.meta.url);
  mkdirSync(new URL(".", file), { recursive: true });
  if (!existsSync(file) || readFileSync(file, "utf8") !== text) writeFileSync(file, text);
}

write(
  "../src/generated/operations.ts",
  `import type { Operation } from "../calls.js";\n\n${[...named, ...operations].join("\n")}`,
);
write(
  "../src/generated/api.ts",
  `/** What a token may carry. */\nexport type Permission = ${permissions.join(" | ")};\n\n` +
    `/** The codes of the API's errors. */\nexport type ApiCode = ${codes.join(" | ")};\n`,
);
write("../dist/schema.graphql", source);
